"""The interaction table: one item per interaction; the newest record wins, whatever the order of the writes.

The guarantee is one conditional write, in `InteractionTable.save`: an item changes only to a greater version, and
never again after an erasure. A version sorts as text: a settled record beats one that is not, a later answer (by
Genesys's clock) an earlier one; within a second the content decides. The same write sets `staged`, the object in S3
that holds the conversation of this version, and adds to `startDays`, the days on which any version started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.records import CONTENT_FIELDS, InteractionRecord
from tasks.records.correction import is_doubtful
from tasks.records.version import same_moment
from tasks.stores.batch_insert import insert_each
from tasks.stores.dynamodb import ConditionalWrite, DynamoTable
from tasks.stores.interaction_items import (
    DEFERRAL_FIELDS,
    LOOKUP_FIELDS,
    TOMBSTONE_FIELDS,
    Deferral,
    DeferralReason,
    NewRow,
    PreviousItem,
    Provenance,
    Stored,
    WriteOutcome,
    handled_by,
    record_attributes,
    start_day,
    start_days,
)
from tasks.stores.interaction_searches import InteractionSearches
from tasks.stores.row_names import NO_NAMES, RowNames
from tasks.stores.run_history import append_run, trim_runs
from tasks.stores.update_expression import UpdateExpression
from tasks.values import iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tasks.records.customer_keys import CustomerKeys


_Condition = Callable[[UpdateExpression], str]


class _DeferralChange(NamedTuple):
    """What a save does to an item's deferral: sets these attributes, removes those, or leaves it (both empty)."""

    values: dict[str, Any]
    removed: tuple[str, ...]


class InteractionTable(InteractionSearches):
    """The table of records; thread-safe. Methods raise StoreUnavailable, those that write also ItemRefused."""

    def __init__(
        self,
        client: DynamoDBClient,
        name: str,
        *,
        retention_days: int | None = None,
        keys: CustomerKeys | None = None,
    ) -> None:
        self._table = DynamoTable(client, name, "interactionId")
        self._keys = keys
        self._retention = timedelta(days=retention_days) if retention_days else None

    def save(
        self,
        record: InteractionRecord,
        provenance: Provenance,
        deferral: Deferral | None = None,
        *,
        confirm: Deferral | None = None,
        force: bool = False,
        keep_deferral: bool = False,
        names: RowNames = NO_NAMES,
    ) -> WriteOutcome:
        """Write the record unless the table holds this version or a newer one, or the interaction was erased.

        The same write sets `deferral`, which goes with a record that is not settled; without one it removes the
        deferral that stands, unless `keep_deferral`, or unless that is a confirmation which is not due yet.
        `confirm` is set where two settled answers leave a doubt about which of them is the later.
        `force` ignores the version, never an erasure. `names` go into the same write, or into one of their own where
        the row has this content already.
        """
        change = _DeferralChange(
            deferral.attributes(record.interaction_id, provenance.flow_run_id) if deferral else {},
            () if deferral or keep_deferral else DEFERRAL_FIELDS,
        )
        write = self._replace(record, provenance, change, names, None if force else _beats_unsettled)
        if write.done:
            return WriteOutcome.WRITTEN
        outcome = self._save_over(write.item, record, provenance, change, confirm, names=names)
        if outcome is None:  # the item has changed since: decide anew
            return self.save(
                record, provenance, deferral, confirm=confirm, keep_deferral=keep_deferral, names=names
            )
        return outcome

    def insert(self, rows: Sequence[NewRow]) -> frozenset[str]:
        """Insert items where the table has none; return the ids of those that were inserted.

        25 conditional writes a round trip, each on its own. What was not inserted (the item exists, the interaction
        was erased, the store was busy, the item is refused) is for `save` to decide.
        """
        items = [row.item(self._expires_at(row.record)) | self._customer_keys(row.record) for row in rows]
        return insert_each(self._table, items)

    def defer(self, interaction_id: str, provenance: Provenance, deferral: Deferral) -> WriteOutcome:
        """Set a deferral, whatever the table holds, unless the interaction was erased."""
        update = UpdateExpression().set(deferral.attributes(interaction_id, provenance.flow_run_id))
        write = self._table.update(interaction_id, update, _not_erased(update))
        return WriteOutcome.WRITTEN if write.done else WriteOutcome.ERASED

    def remove_deferral(self, interaction_id: str, flow_run_id: str) -> None:
        """Remove a deferral that is due or is this run's; an item that holds nothing else is deleted.

        A deferral by another run to a later time stands.
        """
        update = UpdateExpression().remove(DEFERRAL_FIELDS)
        now, run = update.value("now", iso(datetime.now(UTC))), update.value("run", flow_run_id)
        due_or_own = f"dueAt <= {now} OR deferredBy = {run}"
        placeholder = f"({due_or_own}) AND attribute_not_exists(version)"
        if not self._table.delete(interaction_id, placeholder, update.values).done:
            self._table.update(interaction_id, update, due_or_own)

    def delete_placeholder(self, interaction_id: str) -> bool:
        """Delete an item that holds a deferral and nothing else, whoever wrote it; return whether none is left."""
        only = "attribute_exists(dueAt) AND attribute_not_exists(version) AND attribute_not_exists(erasedAt)"
        write = self._table.delete(interaction_id, only)
        return write.done or not write.item

    def lookup(self, interaction_ids: Sequence[str]) -> dict[str, Stored]:
        """Return the state of each of these interactions that the table knows."""
        found = map(Stored.from_item, self._table.get_many(interaction_ids, LOOKUP_FIELDS))
        return {stored.interaction_id: stored for stored in found}

    def handled_by_run(self, flow_run_id: str, interaction_ids: Sequence[str]) -> set[str]:
        """Return the interactions whose record this run stored, or which it deferred."""
        items = self._table.get_many(interaction_ids, ("interactionId", "dueAt", "deferredBy", "runs"))
        return {str(item["interactionId"]) for item in items if handled_by(flow_run_id, item)}

    def get(self, interaction_id: str) -> dict[str, Any] | None:
        """Return the whole item, consistently read, or None."""
        return self._table.get(interaction_id)

    def rows(self, interaction_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the whole items of those of these interactions that have one, consistently read, by id."""
        found = self._table.get_many(interaction_ids, consistent=True)
        return {str(item["interactionId"]): item for item in found}

    def address(self, interaction_id: str) -> str | None:
        """Return the stored e-mail address of the customer, if a participant attribute gave it."""
        item = self.get(interaction_id) or {}
        return item.get("customerEmail") if "detailsHash" in item else None

    def is_erased(self, interaction_id: str) -> bool:
        """Return whether the interaction has a tombstone."""
        return "erasedAt" in (self.get(interaction_id) or {})

    def erased_among(self, interaction_ids: Sequence[str]) -> frozenset[str]:
        """Return those of these interactions that have a tombstone, consistently read."""
        names = ("interactionId", "erasedAt")
        found = self._table.get_many(interaction_ids, names, consistent=True)
        return frozenset(str(item["interactionId"]) for item in found if "erasedAt" in item)

    def write_tombstone(
        self, interaction_id: str, receipt_id: str, expires_at: int | None = None
    ) -> PreviousItem:
        """Replace the item by a tombstone, which refuses every later write; return what it replaced.

        A tombstone that stands keeps its date and its receipt, and each one the item's `startDays`: they name the
        partitions of the tables from which its rows are still to be deleted. `expires_at` is in epoch seconds;
        without it the tombstone never expires.
        """
        tombstone: dict[str, Any] = {"interactionId": interaction_id, "erasedAt": iso(datetime.now(UTC))}
        tombstone |= {"receiptId": receipt_id} | ({} if expires_at is None else {"expiresAt": expires_at})
        while "erasedAt" not in (stands := self.get(interaction_id) or {}):
            days = start_days(stands)
            condition, values = _same_start_days(stands)
            write = self._table.put(
                tombstone | ({"startDays": days} if days else {}),
                f"attribute_not_exists(erasedAt) AND {condition}",
                values,
            )
            if write.done:
                return PreviousItem.of(write.typed_item)
        if not set(stands) <= TOMBSTONE_FIELDS:  # something else was added to the tombstone
            kept = {name: stands[name] for name in ("erasedAt", "receiptId", "startDays") if name in stands}
            self._table.put(tombstone | kept, "attribute_exists(erasedAt)")
        return PreviousItem.TOMBSTONE

    def backup_period(self) -> str:
        """Return how far the table's point-in-time backups reach: `35 days`, `off` or `unknown`."""
        return self._table.backup_period()

    def _save_over(
        self,
        stands: dict[str, Any],
        record: InteractionRecord,
        provenance: Provenance,
        change: _DeferralChange,
        confirm: Deferral | None,
        *,
        names: RowNames,
    ) -> WriteOutcome | None:
        """Save over an item that is settled or newer, or has the same content; None if it has changed since."""
        if "erasedAt" in stands:
            return WriteOutcome.ERASED
        change = _unless_confirmed_later(change, stands)
        if stands.get("contentHash") == record.content_hash:
            if not self._refresh(record, provenance, stands, change):
                return None
            self._complete_names(record, names, stands)
            by_this_run = stands.get("flowRunId") == provenance.flow_run_id
            return WriteOutcome.ALREADY_BY_THIS_RUN if by_this_run else WriteOutcome.REFRESHED
        asks = (
            _DeferralChange(confirm.attributes(record.interaction_id, provenance.flow_run_id), ())
            if confirm
            else change
        )
        doubtful = asks is not change and record.settled and not _answers_confirmation(stands)
        if record.version > str(stands["version"]):
            doubtful = doubtful and is_doubtful(record, stands)
            write = self._replace(record, provenance, asks if doubtful else change, names, _unchanged(stands))
            outcome = WriteOutcome.WRITTEN_TO_CONFIRM if doubtful else WriteOutcome.WRITTEN
            return outcome if write.done else None
        if doubtful and same_moment(record.version, str(stands["version"])):
            update = UpdateExpression().set(asks.values)
            write = self._table.update(record.interaction_id, update, _unchanged(stands)(update))
            return WriteOutcome.STALE_TO_CONFIRM if write.done else None
        self._end_answered_deferral(record.interaction_id, stands, change)
        return WriteOutcome.STALE

    def _replace(
        self,
        record: InteractionRecord,
        provenance: Provenance,
        change: _DeferralChange,
        names: RowNames,
        condition: _Condition | None,
    ) -> ConditionalWrite:
        """Write the record, under a condition; never over a tombstone."""
        attributes = record_attributes(record, provenance, self._expires_at(record))
        if change.values or change.removed:  # a deferral that stands keeps its attempt
            attributes["attempt"] = provenance.attempt
        attributes |= change.values | self._customer_keys(record)
        update = UpdateExpression().set(attributes)
        update.remove(name for name, value in attributes.items() if value is None)
        update.remove(name for name in CONTENT_FIELDS if name not in record.content)
        update.remove(change.removed)
        names.set_in(update, record.content)
        update.add("startDays", {start_day(record.content)})
        if record.settled:
            update.set_once("savedAt", iso(datetime.now(UTC)))
        append_run(update, provenance.flow_run_id)
        conditions = [_not_erased(update), *([condition(update)] if condition else [])]
        write = self._table.update(record.interaction_id, update, *conditions, return_old=True)
        trim_runs(self._table, record.interaction_id, write)
        if write.done and not names.complete and "names" in write.typed_item:
            self._complete_names(record, names, names.replaced(write.item, record.content))
        return write

    def _complete_names(self, record: InteractionRecord, names: RowNames, row: dict[str, Any]) -> None:
        """Add the names that a row of this content lacks; one of other content, or a tombstone, gets none."""
        if (lacking := names.lacking(row, record.content)) is not None:
            update, condition = lacking
            same = f"{update.name('contentHash')} = {update.value('contentHash', record.content_hash)}"
            self._table.update(record.interaction_id, update, same, condition, _not_erased(update))

    def _refresh(
        self,
        record: InteractionRecord,
        provenance: Provenance,
        stands: dict[str, Any],
        change: _DeferralChange,
    ) -> bool:
        """Raise the version of an item of the same content, so that an older answer with other content is refused.

        Returns False when the item has changed since it was read.
        """
        version = str(stands["version"])
        ends = change.removed and "dueAt" in stands
        if record.version <= version and not change.values and not ends:
            return True
        update = UpdateExpression().set({"version": max(record.version, version)} | change.values)
        update.remove(change.removed)
        if record.version > version:
            moved = {"fetchedAt": iso(record.fetched_at), "expiresAt": self._expires_at(record)}
            moved |= {"detailsHash": record.details_hash, "staged": provenance.staged}
            update.set(moved | self._customer_keys(record))
            update.remove(["staged"] if provenance.staged is None else [])
            update.add("startDays", {start_day(record.content)})
        conditions = _unchanged(stands)(update), _not_erased(update)
        return self._table.update(record.interaction_id, update, *conditions).done

    def _end_answered_deferral(
        self, interaction_id: str, stands: dict[str, Any], change: _DeferralChange
    ) -> None:
        """Remove the deferral of a stored newer record, if it is due: this fetch was its attempt."""
        due_at = stands.get("dueAt")
        if change.removed and due_at is not None and due_at <= iso(datetime.now(UTC)):
            update = UpdateExpression().remove(change.removed)
            same = f"{update.name('dueAt')} = {update.value('dueAt', due_at)}"
            self._table.update(interaction_id, update, same)

    def _customer_keys(self, record: InteractionRecord) -> dict[str, Any]:
        """Return `customerKeys` as an attribute; without the secret none, and the row's stay as they are."""
        return {"customerKeys": self._keys.of_record(record)} if self._keys else {}

    def _expires_at(self, record: InteractionRecord) -> int | None:
        return int((record.fetched_at + self._retention).timestamp()) if self._retention else None


def _not_erased(update: UpdateExpression) -> str:
    return f"attribute_not_exists({update.name('erasedAt')})"


def _same_start_days(stands: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Hold where no write has added a day since; return the condition and its values."""
    if days := stands.get("startDays"):
        return "startDays = :days", {":days": days}
    return "attribute_not_exists(startDays)", {}


def _beats_unsettled(update: UpdateExpression) -> str:
    """Hold where there is no record, or an unsettled one of a lesser version and other content.

    A settled record is compared with the new one first, so that a doubt is noted in the same write.
    """
    no_record = f"attribute_not_exists({update.name('version')})"
    greater = f"{update.name('version')} < :version"
    other = f"{update.name('contentHash')} <> :contentHash"
    unsettled = f"{update.name('settled')} = {update.value('no', False)}"
    return f"{no_record} OR ({greater} AND {other} AND {unsettled})"


def _unchanged(stands: Mapping[str, Any]) -> _Condition:
    """Hold where the record is the one that was read."""
    return lambda update: f"{update.name('version')} = {update.value('old', stands['version'])}"


def _answers_confirmation(stands: Mapping[str, Any]) -> bool:
    """Return whether an answer of now is the one that a confirmation waits for."""
    return _confirms(stands) and str(stands.get("dueAt")) <= iso(datetime.now(UTC))


def _unless_confirmed_later(change: _DeferralChange, stands: Mapping[str, Any]) -> _DeferralChange:
    """Return the change, or none where an item waits for a confirmation that is not due yet."""
    later = _confirms(stands) and not _answers_confirmation(stands)
    return _DeferralChange({}, ()) if later and not change.values else change


def _confirms(stands: Mapping[str, Any]) -> bool:
    return stands.get("deferredFor") == DeferralReason.CONFIRMATION
