"""Tombstones of erased interactions, taken out of a table or an export and put into a restored table.

A table that is restored to a point in time has what was erased since. A tombstone refuses every later write, so these
are put back before a worker reads the table. In a file each line is an item as DynamoDB's exports have it.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

FIELDS = ("interactionId", "erasedAt", "receiptId", "expiresAt", "startDays")
NO_START = "none"  # in `startDays`, of a version without a start
ENDINGS = (".json", ".jsonl", ".gz")

Item = dict[str, Any]  # in DynamoDB's typed JSON


@dataclass(frozen=True)
class Applied:
    """How many tombstones were written, and how many stood already."""

    written: int = 0
    stood: int = 0


def is_file(place: str) -> bool:
    """Return whether this is a file or a folder rather than a table: by a slash, or by the name's ending."""
    return "/" in place or place.endswith(ENDINGS)


def read(database: DynamoDBClient, place: str) -> Iterator[Item]:
    """Yield the tombstones of a table, a file, or a folder of an export.

    Raises InvalidInput for a file that is not there or has something else, and botocore's errors.
    """
    items = _of_files(Path(place)) if is_file(place) else _of_table(database, place)
    for item in items:
        if "erasedAt" in item:
            yield {name: item[name] for name in FIELDS if name in item}


def save(tombstones: Iterable[Item], path: Path) -> int:
    """Write tombstones into a file and return their number."""
    lines = [json.dumps({"Item": item}) + "\n" for item in tombstones]
    path.write_text("".join(lines))
    return len(lines)


def apply(database: DynamoDBClient, tombstones: Iterable[Item], table: str) -> Applied:
    """Put tombstones into a table, each in the place of what the table has of its interaction.

    One that stands is left. Applying again changes nothing. Raises botocore's errors; what was written then stays.
    """
    written = stood = 0
    for tombstone in tombstones:
        if _replace(database, tombstone, table):
            written += 1
        else:
            stood += 1
    return Applied(written, stood)


def _replace(database: DynamoDBClient, tombstone: Item, table: str) -> bool:
    """Return whether the tombstone was written. It keeps the days of the row, whose entries publish has to delete."""
    key = {"interactionId": tombstone["interactionId"]}
    while True:
        stands = database.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        if "erasedAt" in stands:
            return False
        days = sorted(_start_days(tombstone) | _start_days(stands))
        same, values = "attribute_not_exists(startDays)", {}
        if "startDays" in stands:
            same, values = "startDays = :days", {":days": stands["startDays"]}
        try:
            database.put_item(
                TableName=table,
                Item=tombstone | ({"startDays": {"SS": days}} if days else {}),
                ConditionExpression=f"attribute_not_exists(erasedAt) AND {same}",
                **({"ExpressionAttributeValues": values} if values else {}),  # type: ignore[arg-type]
            )
        except database.exceptions.ConditionalCheckFailedException:
            continue  # it has changed since it was read
        return True


def _start_days(item: Item) -> set[str]:
    """Return the days on which versions of an item started; an item of a release before 0.2 has only its own."""
    own = {item.get("startedAt", {}).get("S", "")[:10] or NO_START} if "version" in item else set()
    return own | set(item.get("startDays", {}).get("SS", ()))


def _of_table(database: DynamoDBClient, table: str) -> Iterator[Item]:
    pages = database.get_paginator("scan").paginate(
        TableName=table, ConsistentRead=True, FilterExpression="attribute_exists(erasedAt)"
    )
    for page in pages:
        yield from page["Items"]


def _of_files(path: Path) -> Iterator[Item]:
    files = (
        [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.name.endswith(ENDINGS))
    )
    if not files:
        raise InvalidInput(f"{path} is no file, and no folder with files that end in {', '.join(ENDINGS)}")
    for each in files:
        opened = gzip.open if each.suffix == ".gz" else open
        with opened(each, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _item(line, f"{each}, line {number}")


def _item(line: str, place: str) -> Item:
    try:
        item = json.loads(line).get("Item")
    except (ValueError, AttributeError):
        item = None
    if not isinstance(item, dict):
        raise InvalidInput(
            f'{place}: not {{"Item": ...}}, as in an export of DynamoDB in the format DYNAMODB_JSON'
        )
    return item
