"""The interaction table: one row per interaction, and whatever arrives in whatever order, it ends the same.

The whole guarantee is one conditional write (`InteractionTable.save`): a row changes only to a greater version,
and never again after an erasure. A version sorts as text: settled before unsettled, later end before earlier,
later fetch (by Genesys's clock) before earlier, then by content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from tasks.records import CONTENT_FIELDS, InteractionRecord
from tasks.stores.dynamodb import Update, batch_get, iso, marshal, recovery, unmarshal
from tasks.stores.errors import translated
from tasks.stores.inserts import insert_each
from tasks.stores.rows import DUE, Buried, Deferral, NewRow, Provenance, Stored, Write, Written
from tasks.stores.searches import WHOLE, Share, due_before, unsettled_before

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RUNS_KEPT = 20
_TOMBSTONE = frozenset({"interactionId", "erasedAt", "receiptId", "expiresAt"})
_WAITING = ("dueAt", "dueKey", "deferredBy", "throttled")
_LOOKED_UP = (
    "interactionId",
    "settled",
    "version",
    "erasedAt",
    "dueAt",
    "attempt",
    "throttled",
    "deferredBy",
    "contentHash",
    "detailsHash",
)


class InteractionTable:
    """The table of records; thread-safe."""

    def __init__(self, client: DynamoDBClient, table: str, *, retention_days: int | None = None) -> None:
        self._client = client
        self.table = table
        self._retention = timedelta(days=retention_days) if retention_days else None

    def save(
        self,
        record: InteractionRecord,
        provenance: Provenance,
        deferral: Deferral | None = None,
        *,
        force: bool = False,
        keep_waiting: bool = False,
    ) -> Write:
        """Write the record unless the table holds this or newer, or the interaction was erased.

        `deferral` goes with a record that is not settled and is written in the same step; `keep_waiting`
        leaves a deferral that stands. `force` ignores the version, never an erasure. Raises StoreUnavailable
        or ItemRefused.
        """
        ends = () if deferral or keep_waiting else _WAITING
        waiting = deferral.attributes(provenance.flow_run_id) if deferral else {}
        old = self._replace(record, provenance, waiting, ends, force=force)
        if old is None:
            return Write(Written.WRITTEN)
        stored = Stored.from_item(old)
        if stored.erased:
            return Write(Written.ERASED, stored)
        if old.get("contentHash") != record.content_hash:
            self._stop_waiting(stored, ends)
            return Write(Written.STALE, stored)
        if not self._refresh(record, old, waiting, ends):
            return self.save(record, provenance, deferral, keep_waiting=keep_waiting)
        own = old.get("flowRunId") == provenance.flow_run_id
        return Write(Written.OWN if own else Written.REFRESHED, stored)

    def insert(self, rows: Sequence[NewRow]) -> frozenset[str]:
        """Add rows for interactions that the table does not hold; the ids of those that were added.

        25 conditional writes a round trip, each for itself. Whatever was not added (it is there already, it was
        erased, the store was busy, the item is refused) is for `save` to decide. Raises StoreUnavailable.
        """
        items = [self._new_item(row) for row in rows]
        return insert_each(self._client, self.table, "interactionId", items)

    def defer(self, interaction_id: str, provenance: Provenance, deferral: Deferral) -> Write:
        """Note when to ask again, whatever the table holds, unless the interaction was erased."""
        update = Update().set(deferral.attributes(provenance.flow_run_id))
        refused = self._update(interaction_id, update, f"attribute_not_exists({update.name('erasedAt')})")
        return Write(Written.ERASED if refused else Written.WRITTEN)

    def give_up(self, interaction_id: str, flow_run_id: str) -> None:
        """End this run's waiting: a placeholder disappears, a record that was waiting stays as it is.

        What another run has put off to a later time goes on waiting for that.
        """
        update = Update().remove(_WAITING)
        now, run = update.value("now", iso(datetime.now(UTC))), update.value("run", flow_run_id)
        ours = f"dueAt <= {now} OR deferredBy = {run}"
        with translated(f"table {self.table}"):
            try:
                self._client.delete_item(
                    TableName=self.table,
                    Key=marshal({"interactionId": interaction_id}),
                    ConditionExpression=f"({ours}) AND attribute_not_exists(version)",
                    ExpressionAttributeValues=update.values,
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                self._update(interaction_id, update, ours)

    def lookup(self, interaction_ids: Sequence[str]) -> dict[str, Stored]:
        """What the table holds of these interactions; those it does not know are left out."""
        items = batch_get(self._client, self.table, "interactionId", interaction_ids, _LOOKED_UP)
        found = map(Stored.from_item, items)
        return {stored.interaction_id: stored for stored in found}

    def done_by(self, flow_run_id: str, interaction_ids: Sequence[str]) -> set[str]:
        """Those whose record this run stored or which it deferred: they need nothing more of it."""
        wanted = ("interactionId", "dueAt", "deferredBy", "runs")
        items = batch_get(self._client, self.table, "interactionId", interaction_ids, wanted)
        return {str(item["interactionId"]) for item in items if _done_by(flow_run_id, item)}

    def get(self, interaction_id: str) -> dict[str, Any] | None:
        """The whole item, consistently read, or None."""
        with translated(f"table {self.table}"):
            answer = self._client.get_item(
                TableName=self.table, Key=marshal({"interactionId": interaction_id}), ConsistentRead=True
            )
        return unmarshal(answer["Item"]) if "Item" in answer else None

    def address(self, interaction_id: str) -> str | None:
        """The customer's e-mail address, if a participant attribute gave the one that is stored."""
        item = self.get(interaction_id) or {}
        return item.get("customerEmail") if "detailsHash" in item else None

    def _replace(
        self,
        record: InteractionRecord,
        provenance: Provenance,
        waiting: dict[str, Any],
        ends: tuple[str, ...],
        *,
        force: bool,
    ) -> dict[str, Any] | None:
        """The conditional write itself: None when it was made, else the item that stood in its way."""
        keeps = not waiting and not ends  # a standing deferral keeps its attempt
        attempt = {} if keeps else {"attempt": provenance.attempt}
        attributes = self._attributes(record, provenance) | attempt | waiting
        absent = [name for name, value in attributes.items() if value is None]
        update = Update().set(attributes)
        update.remove([*absent, *(field for field in CONTENT_FIELDS if field not in record.content)])
        update.remove(ends)
        self._append_run(update, provenance)
        not_erased = f"attribute_not_exists({update.name('erasedAt')})"
        if force:
            return self._update(record.interaction_id, update, not_erased, trim=True)
        new = f"attribute_not_exists({update.name('version')})"
        newer = f"{update.name('version')} < {update.value('version', record.version)}"
        other = f"{update.name('contentHash')} <> {update.value('contentHash', record.content_hash)}"
        return self._update(
            record.interaction_id, update, not_erased, f"{new} OR ({newer} AND {other})", trim=True
        )

    def _attributes(self, record: InteractionRecord, provenance: Provenance) -> dict[str, Any]:
        content = {name: value for name, value in record.content.items() if name != "interactionId"}
        return content | {
            "version": record.version,
            "contentHash": record.content_hash,
            "detailsHash": record.details_hash,
            "fetchedAt": iso(record.fetched_at),
            "flowRunId": provenance.flow_run_id,
            "eventId": provenance.event_id,
            "eventType": provenance.event_type,
            "eventTime": provenance.event_time,
            "expiresAt": self._expiry(record),
        }

    def _expiry(self, record: InteractionRecord) -> int | None:
        return int((record.fetched_at + self._retention).timestamp()) if self._retention else None

    def _new_item(self, row: NewRow) -> dict[str, Any]:
        """What the first write of `save` would make of an interaction that the table does not hold."""
        waiting = row.deferral.attributes(row.provenance.flow_run_id) if row.deferral else {}
        values = {
            "interactionId": row.record.interaction_id,
            **self._attributes(row.record, row.provenance),
            "attempt": row.provenance.attempt,
            "runs": [row.provenance.flow_run_id],
            **waiting,
        }
        return {name: value for name, value in values.items() if value is not None}

    @staticmethod
    def _append_run(update: Update, provenance: Provenance) -> None:
        runs = update.name("runs")
        none, run = update.value("none", []), update.value("run", [provenance.flow_run_id])
        update.set_expression(f"{runs} = list_append(if_not_exists({runs}, {none}), {run})")

    def _refresh(
        self, record: InteractionRecord, old: dict[str, Any], waiting: dict[str, Any], ends: tuple[str, ...]
    ) -> bool:
        """Same content: only the version moves on, so that an older fetch of other content stays refused.

        Whether it was done; not when the item changed meanwhile.
        """
        if str(old["version"]) >= record.version and not waiting and not (ends and "dueAt" in old):
            return True
        update = Update().set({"version": max(record.version, str(old["version"]))} | waiting).remove(ends)
        if record.version > str(old["version"]):
            moved = {"fetchedAt": iso(record.fetched_at), "expiresAt": self._expiry(record)}
            update.set(moved | {"detailsHash": record.details_hash})
        unchanged = f"{update.name('version')} = {update.value('old', old['version'])}"
        not_erased = f"attribute_not_exists({update.name('erasedAt')})"
        return self._update(record.interaction_id, update, unchanged, not_erased) is None

    def _stop_waiting(self, stored: Stored, ends: tuple[str, ...]) -> None:
        """What was fetched is older than what is stored: the deferral, if one stands, has been answered."""
        if ends and overdue(stored):
            update = Update().remove(ends)
            same = f"{update.name('dueAt')} = {update.value('dueAt', str(stored.due_at))}"
            self._update(stored.interaction_id, update, same)

    def _update(
        self, interaction_id: str, update: Update, *conditions: str, trim: bool = False
    ) -> dict[str, Any] | None:
        """Update one item; None when it was done, else the item as it stands. `trim` shortens its history."""
        with translated(f"table {self.table}"):
            try:
                answer = self._client.update_item(
                    TableName=self.table,
                    Key=marshal({"interactionId": interaction_id}),
                    ReturnValues="ALL_OLD" if trim else "NONE",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **update.arguments(*conditions),
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                held = cast("dict[str, Any]", error.response.get("Item") or {})
                if trim:
                    self._trim(interaction_id, _runs_in(held))
                return unmarshal(held) if held else {"interactionId": interaction_id}
            if trim:
                self._trim(interaction_id, _runs_in(answer.get("Attributes", {})) + 1)
        return None

    def _trim(self, interaction_id: str, runs: int) -> None:
        """Drop the oldest of so many runs until RUNS_KEPT are left.

        After refused writes, too: a worker may have died, or lost an answer, between a write and this.
        """
        for _ in range(runs - RUNS_KEPT):
            try:
                self._client.update_item(
                    TableName=self.table,
                    Key=marshal({"interactionId": interaction_id}),
                    UpdateExpression="REMOVE runs[0]",
                    ConditionExpression="size(runs) > :kept",
                    ExpressionAttributeValues=marshal({":kept": RUNS_KEPT}),
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return  # others did it, or the interaction was erased

    def entomb(self, interaction_id: str, receipt: str, expires_at: int | None = None) -> Buried:
        """Replace whatever the table holds by a tombstone: the key, `erasedAt` and the receipt's id.

        From then on every write refuses the interaction. A tombstone that stands keeps its date and receipt.
        `expires_at` is in epoch seconds; without it the tombstone stays for ever.
        """
        old = self._bury(interaction_id, iso(datetime.now(UTC)), receipt, expires_at, "attribute_not_exists")
        if "erasedAt" not in old:
            return Buried.of(old)
        if not set(old) <= _TOMBSTONE:
            at, by = str(old["erasedAt"]), str(old.get("receiptId", receipt))
            self._bury(interaction_id, at, by, expires_at, "attribute_exists")
        return Buried.TOMBSTONE

    def is_erased(self, interaction_id: str) -> bool:
        """Whether the interaction has a tombstone."""
        return "erasedAt" in (self.get(interaction_id) or {})

    def of_contact(self, external_contact_id: str) -> Iterator[str]:
        """Every interaction that an external contact took part in, as the table stands now.

        A scan: the index byContact knows an interaction's first contact only, and lags behind the table.
        """
        pages = self._client.get_paginator("scan").paginate(
            TableName=self.table,
            ConsistentRead=True,
            FilterExpression="contains(externalContactIds, :contact) OR externalContactId = :contact",
            ExpressionAttributeValues=marshal({":contact": external_contact_id}),
            ProjectionExpression="interactionId",
        )
        with translated(f"table {self.table}"):
            for page in pages:
                yield from (str(unmarshal(item)["interactionId"]) for item in page["Items"])

    def recovery(self) -> str:
        """How far back the table's point-in-time backups reach, as far as we may ask."""
        return recovery(self._client, self.table)

    def overdue(self, before: datetime) -> Iterator[Stored]:
        """The interactions that were due before this moment, the longest overdue first, by the index byDue."""
        yield from map(Stored.from_item, due_before(self._client, self.table, DUE, before, _LOOKED_UP))

    def unsettled(self, before: datetime, share: Share = WHOLE) -> Iterator[Stored]:
        """The records last fetched before this moment that are not settled and wait for no later run.

        No index knows them, for they are few among many: a scan, of a share of the table if one is named.
        """
        items = unsettled_before(self._client, self.table, before, share, _LOOKED_UP)
        yield from map(Stored.from_item, items)

    def _bury(
        self, interaction_id: str, at: str, receipt: str, expires_at: int | None, condition: str
    ) -> dict[str, Any]:
        """Write a tombstone if `condition(erasedAt)`; what it took the place of, or what stood in its way."""
        item: dict[str, Any] = {"interactionId": interaction_id, "erasedAt": at, "receiptId": receipt}
        item |= {} if expires_at is None else {"expiresAt": expires_at}
        with translated(f"table {self.table}"):
            try:
                answer = self._client.put_item(
                    TableName=self.table,
                    Item=marshal(item),
                    ConditionExpression=f"{condition}(erasedAt)",
                    ReturnValues="ALL_OLD",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                old = cast("dict[str, Any]", error.response.get("Item") or {})
                return unmarshal(old) if old else item
        return unmarshal(answer.get("Attributes", {}))


def _done_by(flow_run_id: str, item: Mapping[str, Any]) -> bool:
    if "dueAt" in item:
        return item.get("deferredBy") == flow_run_id
    return flow_run_id in item.get("runs", [])


def _runs_in(item: Mapping[str, Any]) -> int:
    return len(item.get("runs", {}).get("L", []))


def overdue(stored: Stored, now: datetime | None = None) -> bool:
    """Whether a deferral's time has passed."""
    return stored.due_at is not None and stored.due_at <= iso(now or datetime.now(UTC))
