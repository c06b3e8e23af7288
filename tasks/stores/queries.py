"""Searches of the interaction table: by due time, by settlement, by contact."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
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


def of_former_version(table: DynamoTable) -> Iterator[dict[str, Any]]:
    """Yield `interactionId` and `fetchedAt` of the records that a release before 0.2 wrote, by a scan."""
    return table.pages(
        "scan",
        FilterExpression="begins_with(version, :settled) OR begins_with(version, :unsettled)",
        values={":settled": "1|", ":unsettled": "0|"},
        attributes=("interactionId", "fetchedAt"),
    )


def with_contact(table: DynamoTable, external_contact_id: str) -> Iterator[str]:
    """Yield the id of every interaction that an external contact took part in, by a consistent scan.

    A person asks for an erasure rarely: an index would cost a write with each record.
    """
    items = table.pages(
        "scan",
        ConsistentRead=True,
        FilterExpression="contains(externalContactIds, :contact) OR externalContactId = :contact",
        values={":contact": external_contact_id},
        attributes=("interactionId",),
    )
    return (str(item["interactionId"]) for item in items)
