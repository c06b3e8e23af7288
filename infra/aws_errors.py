"""What botocore's errors mean for whoever started a command: what is missing, and which flag or variable gives it."""

from __future__ import annotations

import os
from typing import NamedTuple

from botocore.exceptions import (
    BotoCoreError,
    ConnectionError,  # noqa: A004 - botocore's root of what did not connect
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

from infra.addresses import is_address
from infra.errors import InvalidInput

ENDPOINT = "AWS_ENDPOINT_URL"  # and AWS_ENDPOINT_URL_<SERVICE>


class Meaning(NamedTuple):
    """What is wrong and how to mend it; `ours` when the command's input is at fault, and not AWS or the network."""

    found: str
    mend: str
    ours: bool = True

    def __str__(self) -> str:
        return f"{self.found}: {self.mend}"


def meaning(error: BotoCoreError, *, flags: bool = True) -> Meaning:
    """Say what an error means; `flags` tells whether the command has --region and --profile."""
    region = "give --region, or set AWS_DEFAULT_REGION" if flags else "set AWS_DEFAULT_REGION"
    profile = "--profile or AWS_PROFILE" if flags else "AWS_PROFILE"
    text, ours = str(error).rstrip("."), True
    match error:
        case NoRegionError():
            text, mend = "no AWS region is named", region
        case InvalidRegionError():
            text, mend = "what names the AWS region is no region", f"{region}, as in us-east-1"
        case ProfileNotFound():
            mend = f"{profile} names the profile; `aws configure list-profiles` lists them"
        case NoCredentialsError():
            text, mend = "no AWS credentials", _credentials(profile)
        case PartialCredentialsError() | CredentialRetrievalError() | TokenRetrievalError() | SSOError():
            mend = _credentials(profile)
        case ConnectionError() | HTTPClientError():
            mend, ours = _way(region), False
        case _:
            text, mend, ours = f"{type(error).__name__}: {text}", "correct what it names", False
    return Meaning(text, mend, ours)


def check_endpoints() -> None:
    """Raise InvalidInput for a variable that should hold an address of AWS's and holds none."""
    for name in _endpoints():
        if not is_address(os.environ[name]):
            raise InvalidInput(f"{name} is no http:// or https:// address: correct it, or unset it")


def _endpoints() -> list[str]:
    return sorted(name for name, value in os.environ.items() if name.startswith(ENDPOINT) and value)


def _credentials(profile: str) -> str:
    return (
        f"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile ({profile}); "
        "`aws sts get-caller-identity` says who you are"
    )


def _way(region: str) -> str:
    if named := _endpoints():
        return f"{', '.join(named)} names it; is it right, and does that server run?"
    return f"is there a way to AWS from here, and is the region right ({region})?"
