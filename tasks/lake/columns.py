"""The declared columns as pyiceberg and pyarrow know them, and rows as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    IcebergType,
    ListType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

from tasks.lake.schema import PRECISION, SCALE, TABLES, Column, Kind, Table

_ARROW = {
    Kind.TEXT: pa.large_string(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.DECIMAL: pa.decimal128(PRECISION, SCALE),
    Kind.TIMESTAMP: pa.timestamp("us", "UTC"),
    Kind.DATE: pa.date32(),
    Kind.TEXTS: pa.large_list(pa.large_string()),
}
_ICEBERG: dict[Kind, IcebergType] = {
    Kind.TEXT: StringType(),
    Kind.BOOLEAN: BooleanType(),
    Kind.INTEGER: LongType(),
    Kind.DECIMAL: DecimalType(PRECISION, SCALE),
    Kind.TIMESTAMP: TimestamptzType(),
    Kind.DATE: DateType(),
}
_BOUNDED = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.TIMESTAMP, Kind.DATE, Kind.BOOLEAN})


def iceberg_type(column: Column, element_id: int = -1) -> IcebergType:
    """Return a column's type; `element_id` is the id of a list's element, for a table that is to be created."""
    if column.kind is Kind.TEXTS:
        return ListType(element_id, StringType(), element_required=False)
    return _ICEBERG[column.kind]


def iceberg_schema(table: Table) -> Schema:
    """Return the schema of a table that is to be created; every column is optional."""
    count = len(table.columns)
    return Schema(
        *(
            NestedField(number, column.name, iceberg_type(column, count + number), required=False)
            for number, column in enumerate(table.columns, 1)
        )
    )


def metrics_mode(column: Column) -> str:
    """Return what a manifest holds of a column: no text that a row has, and nothing of a personal column.

    Manifests outlive the files that they name by a while, and the bounds of a text column are beginnings of values.
    """
    if column.personal:
        return "none"
    return "full" if column.kind in _BOUNDED else "counts"


def arrow_schema(table: Table) -> pa.Schema:
    """Return the columns as Arrow's."""
    return pa.schema([(column.name, _ARROW[column.kind]) for column in table.columns])


def arrow_rows(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return rows of a declared table as Arrow's; a column that a row lacks is null."""
    return pa.Table.from_pylist(list(rows), arrow_schema(TABLES[name]))
