"""What a million interactions cost on AWS: quantities from calls that were made, prices from prices.json."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.benchmarks.aws_calls import read_units, table_write_units

MILLION = 1_000_000
_CHUNK = 64 * 1024  # bytes of an SQS request
_GB = 10**9
_S3_PUT = ("PutObject", "CopyObject", "ListObjectsV2", "ListObjectVersions")
_S3_FREE = ("DeleteObject", "DeleteObjects")
SERVICES = {
    "eventbridge": "EventBridge",
    "sqs": "SQS",
    "lambda": "Lambda",
    "step": "Step Functions",
    "dynamodb": "DynamoDB",
    "s3": "S3",
    "glue": "Glue",
    "fargate": "Fargate",
}

Indexes = Mapping[str, Sequence[Sequence[str]]]
"""The key attributes of each index of a table, by the table's name."""


class Unpriced(Exception):
    """A call of a service for which prices.json has no price: its cost would be missing from the sum."""


@dataclass(frozen=True)
class CostLine:
    """A price of prices.json and how much of it a million interactions need."""

    price: str
    quantity: float
    usd: float

    @property
    def service(self) -> str:
        """The AWS service."""
        return SERVICES[self.price.split("-")[0]]


@dataclass(frozen=True)
class Bill:
    """What a million interactions cost in one pipeline."""

    label: str
    interactions: int  # of which the calls were counted
    lines: list[CostLine]

    @property
    def usd(self) -> float:
        """The sum."""
        return sum(line.usd for line in self.lines)

    def by_service(self) -> dict[str, float]:
        """Return the dollars of each service."""
        found: dict[str, float] = {}
        for line in self.lines:
            found[line.service] = found.get(line.service, 0.0) + line.usd
        return found


@lru_cache(maxsize=1)
def price_table() -> dict[str, Any]:
    """Return prices.json."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text())
    return found


def quantities(
    calls: Iterable[Mapping[str, Any]], indexes: Indexes, *, lambda_mb: int, architecture: str
) -> Counter[str]:
    """Return what is billed of some calls, by the names of prices.json; raises Unpriced."""
    found: Counter[str] = Counter()
    for call in calls:
        found.update(_billed(call, indexes, lambda_mb / 1024, architecture))
    return found


def _billed(call: Mapping[str, Any], indexes: Indexes, gb: float, architecture: str) -> dict[str, float]:
    attempts = call["attempts"]
    match call["service"]:
        case "dynamodb":
            writes = sum(
                table_write_units(size, names, indexes.get(table, ()))
                for table, size, names in call["writes"]
            )
            reads = sum(read_units(size, consistent=consistent) for consistent, size in call["reads"])
            return {"dynamodb-write-unit": attempts * writes, "dynamodb-read-unit": attempts * reads}
        case "sqs":
            return {"sqs-request": attempts * max(1, -(-call["bytes"] // _CHUNK))}
        case "s3":
            return _of_s3(call)
        case "lambda":
            return {"lambda-request": attempts, f"lambda-{architecture}-gb-second": gb * call["ms"] / 1000}
        case "states":
            return {"step-functions-transition": call["transitions"]}
        case "glue":
            return {"glue-request": attempts}
        case other:
            raise Unpriced(f"{other} {call['operation']}: prices.json has no price for it")


def _of_s3(call: Mapping[str, Any]) -> dict[str, float]:
    if call["operation"] in _S3_FREE:
        return {}
    kind = "s3-put" if call["operation"] in _S3_PUT else "s3-get"
    return {kind: call["attempts"], "s3-gb-month": call["bytes"] / _GB}


def fargate(seconds: float, tasks: int, *, vcpu: float, gb: float) -> dict[str, float]:
    """Return the hours of so many tasks of a size that ran for so long."""
    hours = tasks * seconds / 3600
    return {"fargate-vcpu-hour": hours * vcpu, "fargate-gb-hour": hours * gb}


def bill(label: str, interactions: int, needed: Mapping[str, float]) -> Bill:
    """Return what a million interactions cost, of what so many have needed."""
    prices = price_table()["prices"]
    lines = []
    for name in (each for each in prices if needed.get(each)):
        quantity = needed[name] / interactions * MILLION
        lines.append(CostLine(name, quantity, quantity / prices[name]["per"] * prices[name]["usd"]))
    return Bill(label, interactions, lines)
