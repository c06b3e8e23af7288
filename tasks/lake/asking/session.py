"""DuckDB that reaches nothing but what it is given: no file, no network, no extension, and nobody changes that."""

from __future__ import annotations

import re
from collections.abc import Iterable

import duckdb

from tasks.lake.schema import PRECISION, SCALE, Kind, Table
from tasks.lake.views import MACROS

_SEALED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,  # no variable of this process by its name
    "temp_directory": "",  # rows stay in memory: what does not fit there is an error
}
TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INTEGER: "BIGINT",
    Kind.DECIMAL: f"DECIMAL({PRECISION}, {SCALE})",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
    Kind.DATE: "DATE",
    Kind.TEXTS: "VARCHAR[]",
}
"""DuckDB's types of the columns' kinds."""


def connect(settings: Iterable[str] = ()) -> duckdb.DuckDBPyConnection:
    """Return a connection to a database of its own, in memory, with UTC; further settings as `SET` takes them."""
    connection = duckdb.connect(":memory:", config=_SEALED)
    for setting in ("TimeZone = 'UTC'", *settings):
        connection.execute(f"SET {setting}")
    connection.execute("SET lock_configuration = true")
    return connection


def create_tables(connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Create the tables, without rows."""
    for table in tables:
        columns = ", ".join(f'"{each.name}" {TYPES[each.kind]}' for each in table.columns)
        connection.execute(f'CREATE TABLE "{table.name}" ({columns})')


def add_views(connection: duckdb.DuckDBPyConnection, views: dict[str, str], hidden: dict[str, Table]) -> None:
    """Create the views, each of which may use those before it, and the macros that they call.

    `hidden`: tables that the connection has without their personal columns. A view that uses one sees these columns,
    with nulls: its other columns can be read.
    """
    for macro in MACROS:
        connection.execute(macro)
    for name, sql in views.items():
        nulls = [f"{each} AS ({_with_nulls(table)})" for each, table in hidden.items() if _names(sql, each)]
        body = f"WITH {', '.join(nulls)} SELECT * FROM ({sql}\n)" if nulls else sql  # noqa: S608 - our own
        connection.execute(f'CREATE VIEW "{name}" AS {body}')


def _with_nulls(table: Table) -> str:
    nulls = (f'NULL::{TYPES[each.kind]} AS "{each.name}"' for each in table.columns if each.personal)
    return f"SELECT *, {', '.join(nulls)} FROM main.{table.name}"  # noqa: S608 - names of the schema


def _names(sql: str, table: str) -> bool:
    return table in re.findall(r"\w+", sql.lower())
