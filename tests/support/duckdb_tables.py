"""The analytics tables in a DuckDB in memory, filled with rows as publish makes them; and the views over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from tasks.lake.schema import PRECISION, SCALE, TABLES, Kind
from tasks.lake.views import MACROS, views

TYPES = {
    Kind.TEXT: "varchar",
    Kind.BOOLEAN: "boolean",
    Kind.INTEGER: "bigint",
    Kind.DECIMAL: f"decimal({PRECISION}, {SCALE})",
    Kind.TIMESTAMP: "timestamp with time zone",
    Kind.DATE: "date",
    Kind.TEXTS: "varchar[]",
}
Rows = Mapping[str, list[dict[str, Any]]]


def database(rows: Iterable[Rows], *, service_level_seconds: int = 20) -> duckdb.DuckDBPyConnection:
    """Return a database with every table, these rows in them, and every view; it loads no extension."""
    connection = duckdb.connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    connection.execute(
        "set TimeZone = 'America/St_Johns'"
    )  # with half hours and summer time: no figure differs
    for table in TABLES.values():
        columns = ", ".join(f"{column.name} {TYPES[column.kind]}" for column in table.columns)
        connection.execute(f"create table {table.name} ({columns})")
    for name, of_table in ((name, found) for each in rows for name, found in each.items()):
        for row in of_table:
            places = ", ".join("?" * len(row))
            connection.execute(f"insert into {name} values ({places})", list(row.values()))  # noqa: S608
    for macro in MACROS:
        connection.execute(macro)
    for name, query in views(service_level_seconds).items():
        connection.execute(f"create view {name} as {query}")
    return connection


def answer(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """Return a query's rows by column."""
    result = connection.execute(query)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
