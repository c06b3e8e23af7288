"""Faults of DynamoDB and S3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.fault import Fault
from tests.faults.fault_sandbox import FaultSandbox
from tests.faults.proxy_rules import Rule

_DYNAMODB = "DynamoDB_"
_HEADERS = {"content-type": "application/x-amz-json-1.0"}


def _error(status: int, name: str, rate: float) -> Rule:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": "simulated"})
    return Rule("answer", _DYNAMODB, rate=rate, status=status, body=body, headers=_HEADERS)


@contextmanager
def throttling(target: FaultSandbox) -> Iterator[None]:
    """Half of DynamoDB's answers are ProvisionedThroughputExceeded."""
    with target.proxies.rules("aws", _error(400, "ProvisionedThroughputExceededException", 0.5)):
        yield


@contextmanager
def failing(target: FaultSandbox) -> Iterator[None]:
    """Half of DynamoDB's answers are 500."""
    with target.proxies.rules("aws", _error(500, "InternalServerError", 0.5)):
        yield


@contextmanager
def down(target: FaultSandbox) -> Iterator[None]:
    """Neither DynamoDB nor S3 can be reached."""
    with target.proxies.down("aws"):
        yield


@contextmanager
def unanswered(target: FaultSandbox) -> Iterator[None]:
    """Three in ten writes are made and never answered, in both stores."""
    with target.proxies.rules("aws", Rule("drop", "UpdateItem|^PUT ", rate=0.3)):
        yield


FAULTS = (
    Fault("DynamoDB throttles", throttling),
    Fault("DynamoDB: 500s", failing),
    Fault("DynamoDB and S3 down", down),
    Fault("answers of DynamoDB and S3 lost", unanswered),
)
