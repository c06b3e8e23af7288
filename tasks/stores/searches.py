"""Finding interactions that are due, or that never settled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.stores.dynamodb import iso, marshal, unmarshal
from tasks.stores.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Share(NamedTuple):
    """One of `of` equal shares of a table, counted from 0."""

    number: int
    of: int


WHOLE = Share(0, 1)


def due_before(
    client: DynamoDBClient, table: str, due_key: str, before: datetime, attributes: Iterable[str]
) -> Iterator[dict[str, Any]]:
    """The named attributes of the items in the index byDue until a moment, the earliest first."""
    pages = client.get_paginator("query").paginate(
        TableName=table,
        IndexName="byDue",
        KeyConditionExpression="dueKey = :key AND dueAt <= :before",
        ExpressionAttributeValues=marshal({":key": due_key, ":before": iso(before)}),
        **_projection(attributes),
    )
    with translated(f"table {table}"):
        for page in pages:
            yield from map(unmarshal, page["Items"])


def unsettled_before(
    client: DynamoDBClient, table: str, before: datetime, share: Share, attributes: Iterable[str]
) -> Iterator[dict[str, Any]]:
    """The named attributes of what is not settled, does not wait, and was last fetched before a moment."""
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="settled = :no AND fetchedAt <= :before AND attribute_not_exists(dueAt)",
        ExpressionAttributeValues=marshal({":no": False, ":before": iso(before)}),
        Segment=share.number,
        TotalSegments=share.of,
        **_projection(attributes),
    )
    with translated(f"table {table}"):
        for page in pages:
            yield from map(unmarshal, page["Items"])


def _projection(attributes: Iterable[str]) -> dict[str, Any]:
    names = {f"#{name}": name for name in attributes}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
