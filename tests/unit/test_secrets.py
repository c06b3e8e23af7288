"""Objects with a secret do not print it."""

from __future__ import annotations

import copy
import traceback

import pytest
from pydantic import SecretStr, ValidationError

from tasks.genesys.auth import Authenticator, Token
from tasks.genesys.client import GenesysClient
from tasks.genesys.regions import resolve
from tasks.genesys.transport import Transport
from tasks.settings import Settings

SECRET = "never-to-be-shown"
HOSTS = resolve("mypurecloud.de")


def settings() -> Settings:
    """Return settings with a secret."""
    return Settings(
        genesys_client_id="client",
        genesys_client_secret=SecretStr(SECRET),
        interaction_table="interactions",
        quarantine_table="quarantine",
    )


def authenticator() -> Authenticator:
    """Return an authenticator with the secret."""
    transport = Transport(connect_timeout=1, read_timeout=1, max_wait=0, retry_delay=0)
    return Authenticator(transport, HOSTS, "client", SecretStr(SECRET))


class Unlimited:
    """A rate limiter without a limit."""

    def acquire(self) -> None:
        """Permit every request."""


@pytest.mark.parametrize(
    "holder",
    [
        settings(),
        Token(SECRET, 0.0),
        authenticator(),
        authenticator()._basic,  # noqa: SLF001 - it may stand in a traceback
        GenesysClient.from_settings(settings(), Unlimited()),  # type: ignore[arg-type]
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_no_object_prints_its_secret(holder: object) -> None:
    """Not by repr, by str, in an f-string or within a list."""
    shown = f"{holder!r} {holder} {[holder]!r}"
    assert SECRET not in shown
    assert type(holder).__name__ in repr(holder) or "=" in repr(holder)


def test_dumped_settings_do_not_print_it() -> None:
    """It is masked as a dictionary, as JSON and in a copy."""
    found = settings()
    assert SECRET not in f"{found.model_dump()} {found.model_dump_json()} {copy.copy(found)!r}"


def test_a_traceback_with_a_token_does_not_print_it() -> None:
    """An error while a request is signed shows neither token nor header, with local variables printed."""

    def sign() -> None:
        token = Token(SECRET, 0.0)
        raise RuntimeError(f"cannot sign with {token}")

    with pytest.raises(RuntimeError) as caught:
        sign()
    printed = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert SECRET not in "".join(printed.format())


def test_the_error_of_a_wrong_setting_does_not_print_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret beside the wrong setting is not in the error."""
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", SECRET)
    with pytest.raises(ValidationError) as caught:
        Settings(store_concurrency=0)
    assert SECRET not in f"{caught.value!r} {caught.value}"
