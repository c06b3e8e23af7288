"""Rows of the analytics tables as Arrow and Iceberg take them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from pyiceberg.io.pyarrow import schema_to_pyarrow

from tasks.lake.columns import arrow_rows, arrow_schema, iceberg_schema, metrics_mode
from tasks.lake.rows import rows_of
from tasks.lake.schema import TABLES, Kind
from tasks.records import build_record
from tests.support.generated_conversations import ID, flawed
from tests.support.samples import case_names, conversation_names, read_conversation

SAMPLES = {
    name: read_conversation(name) | {"conversationId": ID} for name in (*conversation_names(), *case_names())
}


@given(details=flawed(SAMPLES))
def test_whatever_genesys_sends_fits(details: dict[str, Any]) -> None:
    """No value that a row can have is refused by Arrow: one conversation never stops the publish of others."""
    record = build_record(details, datetime(2026, 3, 2, tzinfo=UTC))
    for name, rows in rows_of({**record.content, "version": record.version}, details).items():
        assert arrow_rows(name, rows).num_rows == len(rows)


@pytest.mark.parametrize("name", TABLES)
def test_arrow_and_iceberg_have_the_same_columns(name: str) -> None:
    """What is written needs no conversion that could lose anything."""
    table = TABLES[name]
    assert schema_to_pyarrow(iceberg_schema(table), include_field_ids=False).equals(arrow_schema(table))


def test_manifests_get_bounds_of_no_text() -> None:
    """A text column has counts at the most, a personal one nothing; numbers and times have bounds."""
    for table in TABLES.values():
        for column in table.columns:
            mode = metrics_mode(column)
            assert not (mode == "full" and (column.personal or column.kind in {Kind.TEXT, Kind.TEXTS})), (
                column.name
            )
    assert metrics_mode(TABLES["interactions"].columns[1]) == "full"
