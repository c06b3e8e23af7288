"""What can go wrong in the command line, and what botocore's errors mean for the person at the terminal.

InfraError             an expected failure: its text is shown as it is, without a traceback
├── StackFailed        CloudFormation failed and rolled back; the text lists resources and reasons
├── StackNotFound      the stack does not exist
├── StackStuck         a rollback failed; the text lists resources and reasons, and the way out
├── InvalidInput       a flag, a variable or a combination of them that cannot work: exit code 2, the others' is 1
├── PrefectApiError    Prefect's API was not reached, or answered with an error status
└── OperationRefused   the command would strand messages, so it does nothing
"""

from __future__ import annotations

import os
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ConnectionError,  # noqa: A004 - botocore's base class of failed connections
    CredentialRetrievalError,
    HTTPClientError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDPOINT_PREFIX = "AWS_ENDPOINT_URL"  # botocore also reads AWS_ENDPOINT_URL_<SERVICE>


class InfraError(Exception):
    """An expected failure; the text says what is wrong and what to do."""


class StackFailed(InfraError):
    """CloudFormation could not apply the change and restored the former state."""

    def __init__(self, stack: str, status: str, failures: Sequence[str]) -> None:
        self.stack, self.status, self.failures = stack, status, failures
        super().__init__(
            f"stack {stack} is {status}. " + ("; ".join(failures) or "CloudFormation gave no reason.")
        )


class StackNotFound(InfraError):
    """The stack does not exist in this account and region."""


class StackStuck(InfraError):
    """A rollback failed, and no change is possible until it is continued."""

    def __init__(self, stack: str, status: str, failures: Sequence[str]) -> None:
        super().__init__(
            f"stack {stack} is {status}: correct the cause, then `python -m infra rollback`, with --skip RESOURCE for "
            f"what cannot be rolled back. {'; '.join(failures)}".strip()
        )


class InvalidInput(InfraError):
    """The given input cannot work; the text names the flag or the variable."""


class PrefectApiError(InfraError):
    """Prefect's API was not reached or answered with an error; `status` is the HTTP status, None without one.

    `retry_after`: seconds that the server asks to wait; None where it does not say.
    """

    def __init__(self, text: str, status: int | None = None, retry_after: float | None = None) -> None:
        self.status, self.retry_after = status, retry_after
        super().__init__(text)

    @property
    def is_busy(self) -> bool:
        """Whether it passes by itself: 429 or 5xx."""
        return is_busy(self.status)


def is_busy(status: int | None) -> bool:
    """Return whether an HTTP status says that a service has too much to do, or trouble of its own."""
    return status is not None and (
        status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )


class OperationRefused(InfraError):
    """The command would strand messages, so nothing was done."""


class Explanation(NamedTuple):
    """What is wrong and what to do; `bad_input` when the input is at fault, not AWS or the network."""

    found: str
    hint: str
    bad_input: bool = True

    def __str__(self) -> str:
        return f"{self.found}: {self.hint}"


def explain(error: BotoCoreError, *, flags: bool = True) -> Explanation:
    """Return what a botocore error means; `flags`: the command has --region and --profile."""
    region = "give --region, or set AWS_DEFAULT_REGION" if flags else "set AWS_DEFAULT_REGION"
    profile = "--profile or AWS_PROFILE" if flags else "AWS_PROFILE"
    text, bad_input = str(error).rstrip("."), True
    match error:
        case NoRegionError():
            text, hint = "no AWS region is named", region
        case InvalidRegionError():
            text, hint = "the name of the AWS region is not valid", f"{region}, as in us-east-1"
        case ProfileNotFound():
            hint = f"{profile} names the profile; `aws configure list-profiles` lists them"
        case NoCredentialsError():
            text, hint = "no AWS credentials", _credentials_hint(profile)
        case PartialCredentialsError() | CredentialRetrievalError() | TokenRetrievalError() | SSOError():
            hint = _credentials_hint(profile)
        case ConnectionError() | HTTPClientError():
            hint, bad_input = _connection_hint(region), False
        case _:
            text = f"{type(error).__name__}: {text}"
            hint, bad_input = "correct the setting that it names", False
    return Explanation(text, hint, bad_input)


def check_endpoints() -> None:
    """Raise InvalidInput when AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_<SERVICE> is not an HTTP address."""
    for name in _endpoint_variables():
        if not is_address(os.environ[name]):
            raise InvalidInput(f"{name} is no http:// or https:// address: correct it, or unset it")


def is_address(url: str) -> bool:
    """Return whether this is an http or https URL with a host and a valid port."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port beyond 65535, half an IPv6 address
        return False


def _endpoint_variables() -> list[str]:
    return sorted(name for name, value in os.environ.items() if name.startswith(ENDPOINT_PREFIX) and value)


def _credentials_hint(profile: str) -> str:
    return (
        f"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile ({profile}); "
        "`aws sts get-caller-identity` shows the identity in use"
    )


def _connection_hint(region: str) -> str:
    if variables := _endpoint_variables():
        return f"{', '.join(variables)} names the address: is it right, and does a server listen there?"
    return f"is AWS reachable from here, and is the region right ({region})?"
