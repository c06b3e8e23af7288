"""The analytics tables' declaration: names, kinds, keys and order."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tasks.lake.schema import TABLES, Kind, Table
from tasks.records import CONTENT_FIELDS

OF_THEIR_OWN = {"queues": "queue_visits", "agents": "agents"}
"""Fields of the record that are a table."""


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_names_are_snake_case_and_unique(table: Table) -> None:
    """A name needs no quotes in SQL, and says what kind of value it names."""
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    for column in table.columns:
        assert re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", column.name)
        assert column.description
        assert column.name.endswith("_at") == (column.kind == Kind.TIMESTAMP)
        assert column.name.endswith("_ms") <= (column.kind == Kind.INTEGER)
        assert column.name.endswith("_id") <= (column.kind == Kind.TEXT)


def test_every_table_of_interactions_begins_with_interaction_and_day() -> None:
    """The partition and the id by which rows are replaced are the first two columns; reference tables have neither."""
    for table in TABLES.values():
        first = [(column.name, column.kind) for column in table.columns[:2]]
        expected = [("interaction_id", Kind.TEXT), ("day", Kind.DATE)]
        assert (first == expected) == table.partitioned


def test_interactions_are_committed_last() -> None:
    """A reader who finds an interaction's row finds its rows in the other tables."""
    assert [table.name for table in TABLES.values() if table.partitioned][-1] == "interactions"
    assert list(TABLES) == [table.name for table in TABLES.values()]


def test_interactions_have_every_field_of_the_record() -> None:
    """A field of the record is a column, or the table of its own that the schema has for it."""
    fields = {column.field for column in TABLES["interactions"].columns}
    assert set(CONTENT_FIELDS) - fields == OF_THEIR_OWN.keys()
    assert set(OF_THEIR_OWN.values()) <= TABLES.keys()


def test_addresses_and_texts_about_people_are_personal() -> None:
    """What identifies or describes a person is marked, in whichever table it stands."""
    found = {(t.name, c.name) for t in TABLES.values() for c in t.columns if c.personal}
    assert found >= {
        ("conversations", "body"),
        ("interactions", "customer_email"),
        ("segments", "wrap_up_note"),
        ("segments", "subject"),
        ("sessions", "participant_name"),
        ("users", "name"),
    }
    suspicious = re.compile(
        "ani|dnis|address|email|note|subject|remote|numbers|.*user_name|participant_name|body"
    )
    for table in TABLES.values():
        for column in table.columns:
            parts = [column.name, *column.name.split("_")]
            assert column.personal or not any(suspicious.fullmatch(part) for part in parts), column.name


def test_the_schema_needs_no_library_of_tables() -> None:
    """Neither pyarrow nor pyiceberg is imported with it: they are an extra."""
    code = "import sys, tasks.lake.schema; print(*({'pyarrow', 'pyiceberg', 'duckdb'} & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert run.stdout.strip() == ""
