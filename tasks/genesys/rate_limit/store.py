"""Where the shared window is kept: an item in DynamoDB, or this process's memory."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from tasks.genesys.errors import RateLimiterUnavailable
from tasks.genesys.rate_limit.window import RateWindow, TimeBucket

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient


_HELD = 68.0
"""Seconds from a permit's moment, which the item names, until it leaves the window.

Releases before 0.2 name the moment of the grant and hold every permit for so long: workers of both can share an item.
"""


@dataclass(frozen=True)
class StoreReply:
    """A store's answer: the `window` it now holds, and its server's Date in epoch seconds, if it has one."""

    window: RateWindow
    written: bool
    date: float | None


class WindowStore(Protocol):
    """Holds one window under optimistic locking; both methods may raise RateLimiterUnavailable."""

    def load(self, length: float) -> StoreReply:
        """Return the stored window; an empty one of `length` seconds when there is none."""
        ...

    def compare_and_set(self, window: RateWindow) -> StoreReply:
        """Write the window if the stored one is its predecessor; otherwise return the stored one."""
        ...


class MemoryWindowStore:
    """The window of a single process: for tests, and for one worker without a table."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._window: RateWindow | None = None

    def load(self, length: float) -> StoreReply:
        """Return the window."""
        with self._lock:
            self._window = self._window or RateWindow(length)
            return StoreReply(self._window, written=False, date=None)

    def compare_and_set(self, window: RateWindow) -> StoreReply:
        """Keep the window if it is the next revision."""
        with self._lock:
            held = self._window or RateWindow(window.length)
            written = window.revision == held.revision + 1
            self._window = window if written else held
            return StoreReply(self._window, written=written, date=None)


class DynamoWindowStore:
    """The window of all workers: one item, whose `revision` is the condition of every write.

    A write costs one or two write units. The item's `grants` is a JSON list of [moment, total, background]: so many
    permits leave the window 68 s after the moment, which is in epoch ms.
    """

    def __init__(self, client: DynamoDBClient, table: str, key: str = "genesys") -> None:
        self._client = client
        self._table = table
        self._key = key

    def load(self, length: float) -> StoreReply:
        """Return the window, read consistently."""
        try:
            response = self._client.get_item(
                TableName=self._table, Key={"budgetId": {"S": self._key}}, ConsistentRead=True
            )
        except (BotoCoreError, ClientError) as error:
            raise self._unavailable(error) from error
        window = self._decode(response.get("Item"), length)
        return StoreReply(window, written=False, date=_date(response))

    def compare_and_set(self, window: RateWindow) -> StoreReply:
        """Write the window if the item has the revision before it, or is absent."""
        try:
            response = self._client.put_item(
                TableName=self._table,
                Item={"budgetId": {"S": self._key}, **_encode(window)},
                ConditionExpression="attribute_not_exists(budgetId) OR revision = :known",
                ExpressionAttributeValues={":known": {"N": str(window.revision - 1)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
                raise self._unavailable(error) from error
            held = self._decode(_held(error), window.length)
            return StoreReply(held, written=False, date=_date(error.response))
        except BotoCoreError as error:
            raise self._unavailable(error) from error
        return StoreReply(window, written=True, date=_date(response))

    def _decode(self, item: Mapping[str, Any] | None, length: float) -> RateWindow:
        if not item:
            return RateWindow(length)
        try:
            return _decode(item, length)
        except (KeyError, TypeError, ValueError) as error:
            raise RateLimiterUnavailable(
                f"the item {self._key!r} of table {self._table} is not a window of requests: delete it"
            ) from error

    def _unavailable(self, error: Exception) -> RateLimiterUnavailable:
        code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None
        return RateLimiterUnavailable(
            f"requests cannot be counted in {self._table} (BUDGET_TABLE), so none may be sent: "
            f"{code or type(error).__name__}"
        )


def _encode(window: RateWindow) -> dict[str, Any]:
    grants = [
        [math.ceil((bucket.leaves - _HELD) * 1000), bucket.total, bucket.background]
        for bucket in window.buckets
    ]
    item = {
        "revision": {"N": str(window.revision)},
        "grants": {"S": json.dumps(grants, separators=(",", ":"))},
    }
    if window.genesys_limit is not None:
        item |= {
            "allowed": {"N": str(window.genesys_limit)},
            "allowedAt": {"N": f"{window.genesys_limit_at:.3f}"},
        }
    return item


def _decode(item: Mapping[str, Any], length: float) -> RateWindow:
    grants = json.loads(item["grants"]["S"])
    window = RateWindow(
        length,
        revision=int(item["revision"]["N"]),
        buckets=tuple(
            TimeBucket(int(moment) / 1000 + _HELD, int(total), int(background))
            for moment, total, background in grants
        ),
    )
    if "allowed" not in item:
        return window
    return replace(
        window,
        genesys_limit=int(item["allowed"]["N"]),
        genesys_limit_at=float(item["allowedAt"]["N"]),
    )


def _held(error: ClientError) -> Mapping[str, Any] | None:
    """Return the item that a failed condition brings back; botocore's stubs do not type it."""
    response: Mapping[str, Any] = dict(error.response)
    item: Mapping[str, Any] | None = response.get("Item")
    return item


def _date(response: Any) -> float | None:
    """Return the Date header of a response of AWS, in epoch seconds; None when it has none."""
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, TypeError):
        return None
