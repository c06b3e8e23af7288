"""DynamoDB and S3: throttling, failing, away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.fault import Fault
from tests.faults.rules import Rule
from tests.faults.stand import Stand

_DYNAMODB = "DynamoDB_"
_HEADERS = {"content-type": "application/x-amz-json-1.0"}


def _refusal(status: int, name: str, rate: float) -> Rule:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": "simulated"})
    return Rule("answer", _DYNAMODB, rate=rate, status=status, body=body, headers=_HEADERS)


@contextmanager
def throttling(stand: Stand) -> Iterator[None]:
    """Half of DynamoDB's answers are ProvisionedThroughputExceeded."""
    with stand.detours.wrong("aws", _refusal(400, "ProvisionedThroughputExceededException", 0.5)):
        yield


@contextmanager
def failing(stand: Stand) -> Iterator[None]:
    """Half of DynamoDB's answers are 500."""
    with stand.detours.wrong("aws", _refusal(500, "InternalServerError", 0.5)):
        yield


@contextmanager
def down(stand: Stand) -> Iterator[None]:
    """Neither DynamoDB nor S3 is reached."""
    with stand.detours.down("aws"):
        yield


@contextmanager
def unanswered(stand: Stand) -> Iterator[None]:
    """Three in ten writes are made and never answered, in both stores."""
    with stand.detours.wrong("aws", Rule("drop", "UpdateItem|^PUT ", rate=0.3)):
        yield


FAULTS = (
    Fault("DynamoDB throttles", throttling),
    Fault("DynamoDB: 500s", failing),
    Fault("DynamoDB and S3 down", down),
    Fault("answers of DynamoDB and S3 lost", unanswered),
)
