"""The searches of the interaction table: what is due, what may have changed, and whose an interaction is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tasks.stores import queries
from tasks.stores.interaction_items import STATE_FIELDS, Stored
from tasks.stores.queries import WHOLE_TABLE, ScanAges, ScanSegment

if TYPE_CHECKING:
    from tasks.records.customer_keys import CustomerKeys
    from tasks.stores.dynamodb import DynamoTable

_NEVER = datetime.max.replace(tzinfo=UTC)


class InteractionSearches:
    """What is found without an id. Methods raise StoreUnavailable."""

    _table: DynamoTable
    _keys: CustomerKeys | None

    def overdue(self, before: datetime) -> Iterator[Stored]:
        """Yield the interactions that were due before a moment, the longest overdue first."""
        return map(Stored.from_item, queries.due_before(self._table, before, STATE_FIELDS))

    def waiting(self) -> Iterator[Stored]:
        """Yield every interaction that is to be asked for again, the one that is due first first."""
        return map(Stored.from_item, queries.due_before(self._table, _NEVER, STATE_FIELDS))

    def to_ask_again(self, ages: ScanAges, segment: ScanSegment = WHOLE_TABLE) -> Iterator[Stored]:
        """Yield the records without a deferral that may have changed since they were fetched, by a scan.

        Those that are not settled, and of the settled ones those of media whose conversations can end again.
        """
        attributes = (*STATE_FIELDS, "endedAt", "fetchedAt")
        return map(Stored.from_item, queries.may_have_changed(self._table, ages, segment, attributes))

    def settled_ids(self, start: datetime, end: datetime) -> Iterator[str]:
        """Yield the ids of the settled interactions that started in an interval, its end excluded, by a scan."""
        return queries.settled_between(self._table, start, end)

    def of_former_version(self) -> Iterator[tuple[str, str]]:
        """Yield id and `fetchedAt` of each record that a release before 0.2 wrote and none has written since.

        `fetchedAt` is an empty text where a row has none, so that one row that others have edited stops no rebuild;
        and for a record of today that only lacks its customer keys: no object of a former release is its conversation.
        """
        for item in queries.of_former_version(self._table, with_keys=self._keys is not None):
            former = "|" in str(item["version"])
            yield str(item["interactionId"]), str(item.get("fetchedAt", "")) if former else ""

    def of_customer(
        self,
        external_contact_id: str | None,
        customer_keys: Sequence[str],
        segment: ScanSegment = WHOLE_TABLE,
    ) -> list[str]:
        """Return the ids of the interactions of a contact or of any of these keys, by a consistent scan."""
        return list(queries.of_customer(self._table, external_contact_id, customer_keys, segment))

    def count_without_keys(self, segment: ScanSegment = WHOLE_TABLE) -> int:
        """Return how many records of a segment have no customer keys: no search by address finds them."""
        return sum(1 for _ in queries.without_keys(self._table, segment))
