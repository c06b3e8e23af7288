"""What holds a secret does not show it, however it is printed."""

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
    """Settings with a secret in them."""
    return Settings(
        genesys_client_id="client",
        genesys_client_secret=SecretStr(SECRET),
        interaction_table="interactions",
        quarantine_table="quarantine",
    )


def authenticator() -> Authenticator:
    """What turns the secret into tokens."""
    transport = Transport(connect_timeout=1, read_timeout=1, max_wait=0, retry_delay=0)
    return Authenticator(transport, HOSTS, "client", SecretStr(SECRET))


class Unlimited:
    """A budget without a bound."""

    def acquire(self) -> None:
        """Let every request go."""


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
def test_no_holder_prints_its_secret(holder: object) -> None:
    """Neither by repr nor by str, nor in an f-string, nor within a list."""
    shown = f"{holder!r} {holder} {[holder]!r}"
    assert SECRET not in shown
    assert type(holder).__name__ in repr(holder) or "=" in repr(holder)


def test_settings_dumped_do_not_print_it() -> None:
    """As a dictionary and as JSON it stays masked, copied too."""
    found = settings()
    assert SECRET not in f"{found.model_dump()} {found.model_dump_json()} {copy.copy(found)!r}"


def test_a_traceback_with_a_token_in_hand_does_not_print_it() -> None:
    """An error that arises while a request is signed shows neither token nor header, locals included."""

    def sign() -> None:
        token = Token(SECRET, 0.0)
        raise RuntimeError(f"cannot sign with {token}")

    with pytest.raises(RuntimeError) as caught:
        sign()
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert SECRET not in "".join(told.format())


def test_a_setting_beside_a_secret_that_is_wrong_does_not_print_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of a wrong secret's own type does not either."""
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", SECRET)
    with pytest.raises(ValidationError) as caught:
        Settings(store_concurrency=0)  # type: ignore[call-arg]
    assert SECRET not in f"{caught.value!r} {caught.value}"
