"""Searches of the interaction table: by due time, by settlement, by contact and by customer keys."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.stores.interaction_items import DUE_KEYS, FORMER_DUE_KEY
from tasks.values import iso

if TYPE_CHECKING:
    from tasks.stores.dynamodb import DynamoTable


class ScanSegment(NamedTuple):
    """Segment `number`, counted from 0, of the `total` segments that a scan divides a table into."""

    number: int
    total: int


WHOLE_TABLE = ScanSegment(0, 1)
_WITHOUT_KEYS = "attribute_exists(version) AND attribute_not_exists(customerKeys)"


def due_before(table: DynamoTable, before: datetime, attributes: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the named attributes, `dueAt` among them, of what is due until a moment, the earliest first."""
    partitions = (
        table.pages(
            "query",
            IndexName="byDue",
            KeyConditionExpression="dueKey = :key AND dueAt <= :before",
            values={":key": key, ":before": iso(before)},
            attributes=attributes,
        )
        for key in (*DUE_KEYS, FORMER_DUE_KEY)
    )
    return heapq.merge(*partitions, key=itemgetter("dueAt"))


def unsettled_before(
    table: DynamoTable, before: datetime, segment: ScanSegment, attributes: Iterable[str]
) -> Iterator[dict[str, Any]]:
    """Yield the named attributes of unsettled records without a deferral, last fetched before a moment.

    A scan, of one segment of the table: such records are few among many, so they have no index.
    """
    return table.pages(
        "scan",
        FilterExpression="settled = :no AND fetchedAt <= :before AND attribute_not_exists(dueAt)",
        values={":no": False, ":before": iso(before)},
        attributes=attributes,
        Segment=segment.number,
        TotalSegments=segment.total,
    )


def of_former_version(table: DynamoTable, *, with_keys: bool) -> Iterator[dict[str, Any]]:
    """Yield `interactionId`, `version` and `fetchedAt` of the records that a rebuild has to make anew, by a scan.

    They are those that a release before 0.2 wrote and, `with_keys`, those that were written without customer keys.
    """
    former = "begins_with(version, :settled) OR begins_with(version, :unsettled)"
    return table.pages(
        "scan",
        FilterExpression=f"{former} OR ({_WITHOUT_KEYS})" if with_keys else former,
        values={":settled": "1|", ":unsettled": "0|"},
        attributes=("interactionId", "version", "fetchedAt"),
    )


def of_customer(
    table: DynamoTable, external_contact_id: str | None, customer_keys: Sequence[str], segment: ScanSegment
) -> Iterator[str]:
    """Yield the ids of the interactions of an external contact or of any of these keys, by a consistent scan.

    A person asks for an erasure rarely: an index would cost a write with each record.
    """
    values = {f":key{number}": key for number, key in enumerate(customer_keys)}
    conditions = [f"contains(customerKeys, {name})" for name in values]
    if external_contact_id is not None:
        values[":contact"] = external_contact_id
        conditions += ["contains(externalContactIds, :contact)", "externalContactId = :contact"]
    items = table.pages(
        "scan",
        ConsistentRead=True,
        FilterExpression=" OR ".join(conditions),
        values=values,
        attributes=("interactionId",),
        Segment=segment.number,
        TotalSegments=segment.total,
    )
    return (str(item["interactionId"]) for item in items)


def without_keys(table: DynamoTable, segment: ScanSegment) -> Iterator[dict[str, Any]]:
    """Yield the `interactionId` of each record that was written without customer keys, by a consistent scan."""
    return table.pages(
        "scan",
        ConsistentRead=True,
        FilterExpression=_WITHOUT_KEYS,
        attributes=("interactionId",),
        Segment=segment.number,
        TotalSegments=segment.total,
    )
