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
ASYNCHRONOUS_MEDIA = ("message", "email")
"""Media whose conversations stay open for days, and can end again after weeks."""
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


class ScanAges(NamedTuple):
    """Of which age records are yielded that may have changed since."""

    unsettled_before: datetime
    """Unsettled ones that were last fetched until then."""
    ended_after: datetime
    """Settled ones that ended since then, and until `ended_before`."""
    ended_before: datetime


def may_have_changed(
    table: DynamoTable, ages: ScanAges, segment: ScanSegment, attributes: Iterable[str]
) -> Iterator[dict[str, Any]]:
    """Yield the named attributes of records without a deferral that are unsettled, or of a medium that ends again.

    A scan, of one segment of the table: there are few of them among many, so they have no index, which would cost a
    write with each record.
    """
    unsettled = "settled = :no AND fetchedAt <= :before"
    again = " OR ".join(
        f"contains(mediaTypes, :{medium}) OR mediaType = :{medium}" for medium in ASYNCHRONOUS_MEDIA
    )
    settled = f"settled = :yes AND endedAt BETWEEN :after AND :until AND ({again})"
    return table.pages(
        "scan",
        FilterExpression=f"attribute_not_exists(dueAt) AND (({unsettled}) OR ({settled}))",
        values={
            ":no": False,
            ":yes": True,
            ":before": iso(ages.unsettled_before),
            ":after": iso(ages.ended_after),
            ":until": iso(ages.ended_before),
            **{f":{medium}": medium for medium in ASYNCHRONOUS_MEDIA},
        },
        attributes=attributes,
        Segment=segment.number,
        TotalSegments=segment.total,
    )


def settled_between(table: DynamoTable, start: datetime, end: datetime) -> Iterator[str]:
    """Yield the ids of the settled records that started in an interval, its end excluded; a scan of the whole table."""
    items = table.pages(
        "scan",
        FilterExpression="settled = :yes AND startedAt >= :start AND startedAt < :end",
        values={":yes": True, ":start": iso(start), ":end": iso(end)},
        attributes=("interactionId",),
    )
    return (str(item["interactionId"]) for item in items)


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
