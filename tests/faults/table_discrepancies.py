"""The third book: the analytics tables in S3 say, row by row, what the table in DynamoDB says."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tasks.lake.columns import arrow_rows
from tasks.lake.rows import rows_of
from tasks.records import build_record
from tests.faults.discrepancy import Discrepancy

Row = dict[str, Any]
Tables = Mapping[str, Iterable[Row]]
_MAX_NAMED = 5  # versions that a discrepancy names


def find_table_discrepancies(items: Iterable[Row], tables: Tables) -> Iterator[Discrepancy]:
    """Yield every interaction of which the tables say anything but what its item in DynamoDB says.

    `items` are those of DynamoDB, `tables` the rows of the analytics tables by name. The whole conversation has to
    make the item's content; every other row has to be what publish makes of the two.
    """
    found = {name: _by_interaction(rows) for name, rows in tables.items()}
    records = {item["interactionId"]: item for item in items if "version" in item}
    for id_, item in records.items():
        yield from _of_record(item, {name: rows.get(id_, []) for name, rows in found.items()})
    for name, rows in found.items():
        for id_ in rows.keys() - records.keys():
            yield Discrepancy("rows of no record", id_, f"{len(rows[id_])} in {name}")


def _of_record(item: Row, rows: Mapping[str, list[Row]]) -> Iterator[Discrepancy]:
    id_, version = item["interactionId"], item["version"]
    versions = [str(row["version"]) for row in rows["conversations"]]
    if versions != [version]:
        details = (
            f"{len(versions)} conversations, of versions {versions[:_MAX_NAMED]}; the item has {version}"
        )
        yield Discrepancy("published otherwise", id_, details)
        return
    conversation = json.loads(rows["conversations"][0]["body"], parse_float=Decimal)
    if build_record(conversation, datetime.now(UTC)).content_hash != item["contentHash"]:
        yield Discrepancy("another conversation was published", id_, version)
    for name, expected in rows_of(item, conversation).items():
        if _texts(rows[name]) != _texts(arrow_rows(name, expected).to_pylist()):
            yield Discrepancy(
                "the tables differ", id_, f"{len(expected)} expected in {name}, {len(rows[name])} stand"
            )


def _by_interaction(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["interaction_id"]].append(row)
    return found


def _texts(rows: Iterable[Row]) -> list[str]:
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)
