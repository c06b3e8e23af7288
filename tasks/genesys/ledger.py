"""Where the window of the request budget is kept: an item in DynamoDB, or this process's memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from tasks.genesys.errors import BudgetUnavailable
from tasks.genesys.window import Slot, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Reply:
    """What the ledger answered: `window` is what it now holds; `date` the server's Date, if it has one."""

    window: Window
    stored: bool
    date: float | None


class Ledger(Protocol):
    """One window for everybody, changed by optimistic writes; both calls may raise BudgetUnavailable."""

    def load(self, length: float) -> Reply:
        """Return the window as it is."""
        ...

    def store(self, window: Window) -> Reply:
        """Keep the window if nobody changed the one it was made from; otherwise return what is there."""
        ...


class MemoryLedger:
    """A ledger for one process: tests, and small installations with a single worker and no table."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._window: Window | None = None

    def load(self, length: float) -> Reply:
        """Return the window as it is."""
        with self._lock:
            self._window = self._window or Window(length)
            return Reply(self._window, stored=False, date=None)

    def store(self, window: Window) -> Reply:
        """Keep the window if it follows the one that is here."""
        with self._lock:
            held = self._window or Window(window.length)
            stored = window.revision == held.revision + 1
            self._window = window if stored else held
            return Reply(self._window, stored=stored, date=None)


class DynamoLedger:
    """A ledger for all workers: one item, written under the condition that its revision is the known one.

    A write costs one to three write units. The item reads: grants [[end of slot in ms, total, background],
    ...].
    """

    def __init__(self, client: DynamoDBClient, table: str, budget_id: str = "genesys") -> None:
        self._client = client
        self._table = table
        self._key = budget_id

    def load(self, length: float) -> Reply:
        """Return the window as it is."""
        try:
            answer = self._client.get_item(
                TableName=self._table, Key={"budgetId": {"S": self._key}}, ConsistentRead=True
            )
        except (BotoCoreError, ClientError) as error:
            raise self._unavailable(error) from error
        window = self._decode(answer.get("Item"), length)
        return Reply(window, stored=False, date=_date(answer))

    def store(self, window: Window) -> Reply:
        """Keep the window if the item has the revision that it was made from, or is gone."""
        try:
            answer = self._client.put_item(
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
            return Reply(held, stored=False, date=_date(error.response))
        except BotoCoreError as error:
            raise self._unavailable(error) from error
        return Reply(window, stored=True, date=_date(answer))

    def _decode(self, item: Mapping[str, Any] | None, length: float) -> Window:
        if not item:
            return Window(length)
        try:
            return _decode(item, length)
        except (KeyError, TypeError, ValueError) as error:
            raise BudgetUnavailable(
                f"the item {self._key!r} of table {self._table} is not a request budget: delete it"
            ) from error

    def _unavailable(self, error: Exception) -> BudgetUnavailable:
        code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None
        return BudgetUnavailable(
            f"no request may be sent while the budget in {self._table} (BUDGET_TABLE) cannot be counted: "
            f"{code or type(error).__name__}"
        )


def _encode(window: Window) -> dict[str, Any]:
    grants = [[round(slot.ends * 1000), slot.total, slot.background] for slot in window.slots]
    item = {
        "revision": {"N": str(window.revision)},
        "grants": {"S": json.dumps(grants, separators=(",", ":"))},
    }
    if window.allowed is not None:
        item |= {"allowed": {"N": str(window.allowed)}, "allowedAt": {"N": f"{window.allowed_at:.3f}"}}
    return item


def _decode(item: Mapping[str, Any], length: float) -> Window:
    grants = json.loads(item["grants"]["S"])
    window = Window(
        length,
        revision=int(item["revision"]["N"]),
        slots=tuple(Slot(int(ends) / 1000, int(total), int(low)) for ends, total, low in grants),
    )
    if "allowed" not in item:
        return window
    return replace(window, allowed=int(item["allowed"]["N"]), allowed_at=float(item["allowedAt"]["N"]))


def _held(error: ClientError) -> Mapping[str, Any] | None:
    """Return the item that a refused write brings back; the stubs know nothing of it."""
    answer: Mapping[str, Any] = dict(error.response)
    item: Mapping[str, Any] | None = answer.get("Item")
    return item


def _date(answer: Any) -> float | None:
    """Return the Date header that every answer of AWS carries."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, TypeError):
        return None
