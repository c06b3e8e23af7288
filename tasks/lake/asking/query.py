"""A question in SQL about the analytics tables, and its answer; imports the extra `analytics`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa
from pyiceberg.table import Table

from tasks.errors import PermanentError
from tasks.lake import schema
from tasks.lake.asking.contents import Contents, of_table, of_view, rows_of
from tasks.lake.asking.plan import PLANNING, needs
from tasks.lake.asking.relation import Relation
from tasks.lake.asking.session import add_views, connect, create_tables
from tasks.lake.columns import arrow_schema
from tasks.lake.schema import TABLES
from tasks.stores import StoreMisconfigured

_BATCH = 10_000
"""Rows that an answer hands over at once."""

OpenTable = Callable[[str], Table | None]


class InvalidSql(PermanentError):
    """The statement cannot be answered; the text says why and what to do, and is for whoever wrote it."""

    code = "bad-request"


@dataclass(frozen=True)
class Answer:
    """Names of the columns, and the rows in batches; taking them raises InvalidSql, and what a table's store raises."""

    columns: tuple[str, ...]
    batches: Iterator[pa.RecordBatch]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield each row as Python's values: timestamps in UTC, decimals exact."""
        for batch in self.batches:
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


class Asker:
    """Answers one SELECT at a time over the declared tables and the views.

    `open_table`: returns a table by its name, None while nothing has been published. `views`: SQL by name, each may use
    those before it. Personal columns are left out unless `reveal`.
    """

    def __init__(self, open_table: OpenTable, views: Mapping[str, str], *, reveal: bool = False) -> None:
        self._open = open_table
        self._views = dict(views)
        self._tables = {name: _visible(table, reveal=reveal) for name, table in TABLES.items()}
        self._hidden = {name: table for name, table in TABLES.items() if table != self._tables[name]}

    def ask(self, sql: str) -> Answer:
        """Return the answer; nothing but what the statement needs is read, and that when the rows are taken.

        Raises InvalidSql for anything but one SELECT over what there is.
        """
        with self._refusing(sql, {}):
            select = _only_select(sql)
            planning = self._planning()
            columns = tuple(planning.sql(select).columns)
            needed = needs(planning, select, {name: _names(each) for name, each in self._tables.items()})
        relations = {
            name: Relation(arrow_schema(table), needed.get(name), partial(self._open, name))
            for name, table in self._tables.items()
        }
        return Answer(columns, self._batches(select, relations))

    def contents(self) -> Iterator[Contents]:
        """Yield what each table and each view holds; raises what opening a table raises, unless it is not allowed."""
        for name, table in TABLES.items():
            try:
                yield of_table(table, rows_of(self._open(name)))
            except StoreMisconfigured:  # analysts may not read `conversations`
                yield of_table(table, None)
        connection = self._planning()
        for name, sql in self._views.items():
            view = connection.sql(f'FROM "{name}"')
            yield of_view(name, sql, list(zip(view.columns, map(str, view.types), strict=True)))

    def _planning(self) -> duckdb.DuckDBPyConnection:
        connection = connect(PLANNING)
        create_tables(connection, self._tables.values())
        add_views(connection, self._views, self._hidden)
        return connection

    def _batches(self, select: str, relations: Mapping[str, Relation]) -> Iterator[pa.RecordBatch]:
        with self._refusing(select, relations), connect() as connection:
            for name, relation in relations.items():
                connection.register(name, relation)
            add_views(connection, self._views, self._hidden)
            yield from connection.sql(select).to_arrow_reader(_BATCH)

    @contextmanager
    def _refusing(self, sql: str, relations: Mapping[str, Relation]) -> Iterator[None]:
        """Raise DuckDB's errors as InvalidSql, and what stopped the reading of a table as it is."""
        try:
            yield
        except (duckdb.Error, pa.ArrowException) as error:
            failure = next((each.failure for each in relations.values() if each.failure is not None), None)
            raised = failure or InvalidSql(self._explained(sql, str(error)))
        else:
            return
        raise raised  # out here it keeps the context that it has

    def _explained(self, sql: str, text: str) -> str:
        if missing := re.search(r"Table with name (\S+) does not exist", text):
            return f"there is no table {missing[1]}. There are: {', '.join([*self._tables, *self._views])}"
        words = set(re.findall(r"\w+", sql.lower()))
        for table in (table for name, table in self._hidden.items() if name in words):
            for column in table.columns:
                if column.personal and f'"{column.name}"' in text and "Binder Error" in text:
                    return f"{table.name}.{column.name} is personal: ask again with --reveal"
        return text


def _visible(table: schema.Table, *, reveal: bool) -> schema.Table:
    return replace(table, columns=tuple(each for each in table.columns if reveal or not each.personal))


def _names(table: schema.Table) -> list[str]:
    return [column.name for column in table.columns]


def _only_select(sql: str) -> str:
    statements = duckdb.extract_statements(sql)
    kinds = [each.type for each in statements]
    if kinds != [duckdb.StatementType.SELECT]:
        named = ", ".join(kind.name for kind in kinds) or "nothing"
        raise InvalidSql(f"one SELECT can be asked, and nothing else: this is {named}")
    return statements[0].query
