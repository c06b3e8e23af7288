"""The bridge's settings: an invalid one is named, and an API key is sent over TLS only."""

from __future__ import annotations

import pytest
from configuration import ConfigurationError, configuration


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PREFECT_API_URL", ""),
        ("PREFECT_API_URL", "prefect.example.com/api"),
        ("PREFECT_API_URL", "ftp://prefect.example.com/api"),
        ("PREFECT_API_URL", "https://user:hunter2@prefect.example.com/api"),
        ("PREFECT_API_URL", "https://prefect.example.com:x/api"),
        ("DEPLOYMENT_NAME", "live"),
        ("DEPLOYMENT_NAME", "a/b/c"),
        ("MAX_EVENTS", "0"),
        ("MAX_EVENTS", "many"),
        ("MAX_WAITING_RUNS", "-1"),
        ("MAX_PARAMETER_BYTES", "600000"),
        ("REQUEST_TIMEOUT", "1.5"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str) -> None:
    """The error names the variable, not its value, which may be secret."""
    environment = {"PREFECT_API_URL": "https://prefect.example.com/api", name: value}

    with pytest.raises(ConfigurationError, match=f"^{name} ") as raised:
        configuration(environment)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://prefect.example.com/api", True),
        ("http://127.0.0.1:4200/api", True),
        ("http://localhost:4200/api", True),
        ("http://[::1]:4200/api", True),
        ("http://prefect.example.com/api", False),
        ("http://10.0.0.1:4200/api", False),
        ("http://127.0.0.1.example.com/api", False),
        ("http://localhost.example.com/api", False),
    ],
)
def test_a_key_goes_over_tls_or_not_at_all(url: str, allowed: bool) -> None:
    """Plain http with a key is rejected at the start, except to the loopback."""
    environment = {"PREFECT_API_URL": url, "PREFECT_SECRET_ARN": "arn:aws:secretsmanager:x"}

    if allowed:
        assert configuration(environment).prefect_api_url.geturl() == url
    else:
        with pytest.raises(ConfigurationError, match="https"):
            configuration(environment)
