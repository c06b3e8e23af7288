"""The quarantine table: every event that could not become a record, once, with the reason.

Two kinds of rows. A rejected event (invalid) is known by its event id, or by its text when it has none; a failed
interaction (gave up) is known by its interaction id, and a later saved record removes it. A redelivery adds to
`count` and makes no second row.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tasks.stores.dynamodb import Update, batch_get, iso, marshal, recovery, unmarshal
from tasks.stores.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EVENT_LIMIT = 100_000  # characters of the event kept in a row; DynamoDB refuses an item above 400 KB
ERROR_LIMIT = 1_000
_REPLAYED = ("quarantineId", "reason", "code", "event", "interactionId")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class QuarantineRow:
    """One event in quarantine: `reason` is rejected or failed, `code` says why in a word, `error` in a sentence."""

    reason: str
    code: str
    error: str
    event: str
    event_id: str | None = None
    interaction_id: str | None = None

    @property
    def quarantine_id(self) -> str:
        """The row's key: the same for the same failure, however often it comes."""
        if self.reason == "failed" and self.interaction_id:
            return failed_id(self.interaction_id)
        return _digest(self.event_id or self.event)


def failed_id(interaction_id: str) -> str:
    """The key of an interaction's `failed` row."""
    return _digest(f"{interaction_id}|failed")


class QuarantineTable:
    """The table of events in quarantine; thread-safe."""

    def __init__(self, client: DynamoDBClient, table: str, *, days: int) -> None:
        self._client = client
        self.table = table
        self._days = days

    def put(self, row: QuarantineRow, flow_run_id: str) -> None:
        """Add the event, or count it once more. Raises StoreUnavailable or ItemRefused."""
        now = datetime.now(UTC)
        update = Update().set(
            {
                "reason": row.reason,
                "code": row.code,
                "error": row.error[:ERROR_LIMIT],
                "event": row.event[:EVENT_LIMIT],
                "eventId": row.event_id,
                "interactionId": row.interaction_id,
                "flowRunId": flow_run_id,
                "lastAt": iso(now),
                "expiresAt": int((now + timedelta(days=self._days)).timestamp()),
            }
        )
        first = update.name("firstAt")
        update.set_expression(f"{first} = if_not_exists({first}, {update.value('first', iso(now))})")
        update.add("count", 1)
        with translated(f"table {self.table}"):
            self._client.update_item(
                TableName=self.table,
                Key=marshal({"quarantineId": row.quarantine_id}),
                **update.arguments(),
            )

    def get(self, quarantine_id: str) -> dict[str, Any] | None:
        """The row, or None."""
        with translated(f"table {self.table}"):
            answer = self._client.get_item(
                TableName=self.table, Key=marshal({"quarantineId": quarantine_id}), ConsistentRead=True
            )
        return unmarshal(answer["Item"]) if "Item" in answer else None

    def failed_among(self, interaction_ids: Sequence[str]) -> frozenset[str]:
        """Those of the interactions that have a `failed` row."""
        by_key = {failed_id(id_): id_ for id_ in interaction_ids}
        found = batch_get(self._client, self.table, "quarantineId", list(by_key), ["quarantineId"])
        return frozenset(by_key[row["quarantineId"]] for row in found)

    def of_interaction(self, interaction_id: str) -> Iterator[dict[str, Any]]:
        """Every row of one interaction, the latest first."""
        yield from self._query(
            "byInteraction", "interactionId = :id", {":id": interaction_id}, ScanIndexForward=False
        )

    def by_reason(self, reason: str, since: str = "", until: str = "~") -> Iterator[dict[str, Any]]:
        """Every row with a reason (rejected, failed) last seen between two ISO times, the oldest first."""
        yield from self._query(
            "byReason",
            "reason = :reason AND lastAt BETWEEN :since AND :until",
            {":reason": reason, ":since": since or "0", ":until": until},
        )

    def remove(self, quarantine_id: str) -> bool:
        """Remove a row; whether there was one."""
        with translated(f"table {self.table}"):
            answer = self._client.delete_item(
                TableName=self.table,
                Key=marshal({"quarantineId": quarantine_id}),
                ReturnValues="ALL_OLD",
            )
        return "Attributes" in answer

    def mentioning(self, interaction_ids: AbstractSet[str]) -> Iterator[str]:
        """The keys of all rows that mention one of the interactions anywhere, in a scan as of now.

        The index byInteraction knows only rows whose event named its interaction properly, and lags behind.
        """
        pages = self._client.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        with translated(f"table {self.table}"):
            for page in pages:
                for row in map(unmarshal, page["Items"]):
                    if not interaction_ids.isdisjoint(_uuids(row)):
                        yield str(row["quarantineId"])

    def rows(self, quarantine_ids: Sequence[str]) -> list[dict[str, Any]]:
        """The rows with these keys that are still there, as far as a replay needs them, in no order."""
        return list(batch_get(self._client, self.table, "quarantineId", quarantine_ids, _REPLAYED))

    def recovery(self) -> str:
        """How far back the table's point-in-time backups reach, as far as we may ask."""
        return recovery(self._client, self.table)

    def _query(
        self, index: str, condition: str, values: dict[str, Any], **more: Any
    ) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self.table,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=marshal(values),
            **more,
        )
        with translated(f"table {self.table}"):
            for page in pages:
                yield from map(unmarshal, page["Items"])


def _uuids(row: dict[str, Any]) -> Iterator[str]:
    for value in row.values():
        if isinstance(value, str):
            yield from (found.lower() for found in _UUID.findall(value))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
