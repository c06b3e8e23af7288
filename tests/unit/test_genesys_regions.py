"""Which hosts the client sends requests to, and which it refuses."""

from __future__ import annotations

import pytest

from tasks.genesys import InvalidHost, resolve
from tasks.genesys.regions import DOMAINS


def test_all_eighteen_regions_are_known_by_either_name() -> None:
    """An AWS region name and the Genesys domain resolve to the same hosts."""
    assert len(DOMAINS) == len(set(DOMAINS.values())) == 18
    for region, domain in DOMAINS.items():
        assert resolve(region) == resolve(domain)
        assert resolve(region).login_url == f"https://login.{domain}"
        assert resolve(region).api_url == f"https://api.{domain}"


@pytest.mark.parametrize("region", ["zzz9.pure.cloud", "new1.us-gov-pure.cloud", "frpa2.eusc-pure.cloud"])
def test_a_future_region_is_accepted(region: str) -> None:
    """Any one label under one of Genesys's own domains is a region."""
    assert resolve(region).api_url == f"https://api.{region}"


@pytest.mark.parametrize("region", [" MyPureCloud.IE ", "api.mypurecloud.ie", "login.mypurecloud.ie"])
def test_other_spellings_of_a_region_are_accepted(region: str) -> None:
    """White space, case, and a service's host instead of the domain all mean the region."""
    assert resolve(region) == resolve("eu-west-1")


@pytest.mark.parametrize(
    "region",
    [
        "",
        "eu-west-9",
        "example.com",
        "mypurecloud.xyz",
        "mypurecloud.com.evil.example",
        "evil.example/mypurecloud.com",
        "evilmypurecloud.com",
        "evilpure.cloud",
        "pure.cloud",
        "a.b.pure.cloud",
        "usw2.pure.cloud\n.evil.example",
        "usw2.pure.cloud:8443",
        "user@usw2.pure.cloud",
        "https://api.mypurecloud.com",
    ],
)
def test_any_other_region_is_refused(region: str) -> None:
    """The error names the variable, and the secret is not sent anywhere."""
    with pytest.raises(InvalidHost, match="GENESYS_REGION"):
        resolve(region)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080",
        "http://localhost:8080/",
        "https://[::1]:9",
        "https://api.mypurecloud.de",
        "https://api.usw2.pure.cloud:443",
    ],
)
def test_an_override_may_name_loopback_or_a_genesys_host(url: str) -> None:
    """Overrides are for the simulator and for hosts of Genesys."""
    hosts = resolve("us-east-1", login_url=url, api_url=url)
    assert hosts.api_url == hosts.login_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.mypurecloud.com",
        "https://example.com",
        "https://127.0.0.1.evil.example",
        "https://evil.example#.mypurecloud.com",
        "https://evil.example?.mypurecloud.com",
        "https://user:hunter2@api.mypurecloud.com",
        "https://api.mypurecloud.com\\@evil.example",
        "https://api.mypurecloud.com/path",
        "http://169.254.169.254",
        "ftp://127.0.0.1",
        "127.0.0.1:80",
        "http://127.0.0.1:99999",
        "https://api.mypurecloud.com\r\nX: 1",
        "",
    ],
)
@pytest.mark.parametrize("variable", ["login_url", "api_url"])
def test_any_other_override_is_refused(url: str, variable: str) -> None:
    """Plain http, other hosts and ambiguous URLs fail; the error names the variable, and has no password."""
    if not url:
        assert resolve("us-east-1", **{variable: url}) == resolve("us-east-1")  # empty is not set
        return
    with pytest.raises(InvalidHost, match=f"GENESYS_{variable.upper()}") as caught:
        resolve("us-east-1", **{variable: url})
    assert "hunter2" not in str(caught.value)


def test_one_override_leaves_the_other_host_to_the_region() -> None:
    """Only the API host may be overridden, for example for a proxy in front of it."""
    hosts = resolve("eu-central-1", api_url="http://127.0.0.1:1")
    assert (hosts.login_url, hosts.api_url) == ("https://login.mypurecloud.de", "http://127.0.0.1:1")
