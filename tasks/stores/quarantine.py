"""The quarantine table: every event that could not become a record, once, with the reason.

Two kinds of rows. A `rejected` event is keyed by its event id, or by its text when it has none. A `failed` interaction
is keyed by its interaction id, and a later saved record removes the row. A redelivery adds to `count` and makes no
second row.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tasks.stores.dynamodb import DynamoTable
from tasks.stores.update_expression import UpdateExpression
from tasks.values import UUID_PATTERN, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_EVENT = 100_000  # characters of the event kept in a row; DynamoDB refuses an item above 400 KB
MAX_ERROR = 1_000  # characters
_REPLAYED = ("quarantineId", "reason", "code", "event", "interactionId")
_UUID = re.compile(UUID_PATTERN)


@dataclass(frozen=True)
class QuarantineRow:
    """One event in quarantine: `reason` is rejected or failed, `code` the error's, `error` its message."""

    reason: str
    code: str
    error: str
    event: str
    event_id: str | None = None
    interaction_id: str | None = None

    @property
    def quarantine_id(self) -> str:
        """The row's key: the same for the same failure, however often it is added."""
        if self.reason == "failed" and self.interaction_id:
            return failed_id(self.interaction_id)
        return _digest(self.event_id or self.event)

    def attributes(self) -> dict[str, Any]:
        """Return the row's attributes, long texts cut."""
        return {
            "reason": self.reason,
            "code": self.code,
            "error": self.error[:MAX_ERROR],
            "event": self.event[:MAX_EVENT],
            "eventId": self.event_id,
            "interactionId": self.interaction_id,
        }


def failed_id(interaction_id: str) -> str:
    """Return the key of an interaction's `failed` row."""
    return _digest(f"{interaction_id}|failed")


class QuarantineTable:
    """The table of events in quarantine; thread-safe. Methods raise StoreUnavailable, `put` also ItemRefused."""

    def __init__(self, client: DynamoDBClient, name: str, *, days: int) -> None:
        self._table = DynamoTable(client, name, "quarantineId")
        self._days = days

    def put(self, row: QuarantineRow, flow_run_id: str) -> None:
        """Add the event, or count it once more."""
        now = datetime.now(UTC)
        expires_at = int((now + timedelta(days=self._days)).timestamp())
        seen = {"flowRunId": flow_run_id, "lastAt": iso(now), "expiresAt": expires_at}
        update = UpdateExpression().set(row.attributes() | seen)
        first = update.name("firstAt")
        update.set_expression(f"{first} = if_not_exists({first}, {update.value('first', iso(now))})")
        self._table.update(row.quarantine_id, update.add("count", 1))

    def get(self, quarantine_id: str) -> dict[str, Any] | None:
        """Return the row, consistently read, or None."""
        return self._table.get(quarantine_id)

    def failed_among(self, interaction_ids: Sequence[str]) -> frozenset[str]:
        """Return those of the interactions that have a `failed` row."""
        by_key = {failed_id(id_): id_ for id_ in interaction_ids}
        found = self._table.get_many(list(by_key), ["quarantineId"])
        return frozenset(by_key[row["quarantineId"]] for row in found)

    def rows(self, quarantine_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return the rows that exist among these keys, with the attributes that a replay needs, in no order."""
        return list(self._table.get_many(quarantine_ids, _REPLAYED))

    def of_interaction(self, interaction_id: str) -> Iterator[dict[str, Any]]:
        """Yield every row of one interaction, the latest first."""
        return self._table.pages(
            "query",
            IndexName="byInteraction",
            KeyConditionExpression="interactionId = :id",
            values={":id": interaction_id},
            ScanIndexForward=False,
        )

    def by_reason(
        self, reason: str, since: str = "", until: str = "~", attributes: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """Yield every row with a reason (rejected, failed) last seen between two ISO times, the oldest first.

        Whole, or only the named attributes.
        """
        return self._table.pages(
            "query",
            IndexName="byReason",
            KeyConditionExpression="reason = :reason AND lastAt BETWEEN :since AND :until",
            values={":reason": reason, ":since": since or "0", ":until": until},
            attributes=attributes,
        )

    def mentioning(self, interaction_ids: AbstractSet[str]) -> Iterator[str]:
        """Yield the keys of all rows in which an attribute contains one of the ids, by a consistent scan.

        The index byInteraction has only rows whose event named its interaction properly, and is eventually consistent.
        """
        for row in self._table.pages("scan", ConsistentRead=True):
            if not interaction_ids.isdisjoint(_uuids(row)):
                yield str(row["quarantineId"])

    def remove(self, quarantine_id: str) -> bool:
        """Remove a row; return whether there was one."""
        return bool(self._table.delete(quarantine_id).typed_item)

    def backup_period(self) -> str:
        """Return how far the table's point-in-time backups reach: `35 days`, `off` or `unknown`."""
        return self._table.backup_period()


def _uuids(row: dict[str, Any]) -> Iterator[str]:
    for value in row.values():
        if isinstance(value, str):
            yield from (found.lower() for found in _UUID.findall(value))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
