"""The third book finds whatever the analytics tables say otherwise than the table in DynamoDB."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.lake.columns import arrow_rows
from tasks.lake.rows import rows_of
from tasks.records import build_record
from tasks.records.json_text import json_text
from tests.faults.table_discrepancies import find_table_discrepancies
from tests.support.samples import read_conversation

CONVERSATION = read_conversation("voice")
RECORD = build_record(CONVERSATION, datetime(2026, 3, 4, tzinfo=UTC))
ITEM = RECORD.content | {"version": RECORD.version, "contentHash": RECORD.content_hash}
TOMBSTONE = {"interactionId": "erased", "erasedAt": "2026-03-04T00:00:00.000Z"}
TABLES = {name: arrow_rows(name, rows).to_pylist() for name, rows in rows_of(ITEM, CONVERSATION).items()}
Tables = dict[str, list[dict[str, Any]]]


def kinds(change: Callable[[Tables], object], *items: dict[str, Any]) -> list[str]:
    """Return the kinds of the discrepancies after a change to tables that are as they should be."""
    tables = copy.deepcopy(TABLES)
    change(tables)
    return [each.kind for each in find_table_discrepancies(items or (ITEM, TOMBSTONE), tables)]


def test_tables_that_follow_the_items_have_no_discrepancy() -> None:
    """A record with its rows, in any order, and a tombstone without any."""
    assert kinds(lambda tables: tables["segments"].reverse()) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda tables: tables["conversations"].clear(), "published otherwise"),
        (lambda tables: tables["conversations"].append(tables["conversations"][0]), "published otherwise"),
        (lambda tables: tables["conversations"][0].update(version="1~0~0"), "published otherwise"),
        (
            lambda tables: tables["conversations"][0].update(
                body=json_text(CONVERSATION | {"originatingDirection": "outbound"})
            ),
            "another conversation was published",
        ),
        (lambda tables: tables["interactions"].clear(), "the tables differ"),
        (lambda tables: tables["interactions"][0].update(duration_ms=1), "the tables differ"),
        (lambda tables: tables["interactions"][0].update(day=None), "the tables differ"),
        (lambda tables: tables["segments"].pop(), "the tables differ"),
        (lambda tables: tables["agents"].append(tables["agents"][0]), "the tables differ"),
        (lambda tables: tables["surveys"].append({"interaction_id": "erased"}), "rows of no record"),
    ],
)
def test_each_difference_is_one_discrepancy_of_its_kind(
    change: Callable[[Tables], object], found: str
) -> None:
    """Rows that are missing, doubled, changed, of another version or of an erased interaction are found."""
    assert kinds(change) == [found]


def test_what_was_never_published_is_found() -> None:
    """A record without any row is a discrepancy; an item that only waits is none."""
    waiting = {"interactionId": "waiting", "dueAt": "2026-03-04T00:00:00.000Z"}
    assert kinds(lambda tables: tables.update({name: [] for name in tables})) == ["published otherwise"]
    assert kinds(lambda _: None, ITEM, waiting) == []
