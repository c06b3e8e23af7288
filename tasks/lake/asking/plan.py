"""What a statement reads of each table, as DuckDB's own plan says it: columns, and days where it names some."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from duckdb import DuckDBPyConnection
from pyiceberg.expressions import (
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
    Or,
)

PLANNING = ("disabled_optimizers = 'statistics_propagation'",)
"""Settings of a connection whose tables are empty: the plan must not know that they are."""

_DATE = r"'(\d{4}-\d\d-\d\d)'::DATE"
_COMPARISON = re.compile(rf"\(day (=|<=|>=|<|>) {_DATE}\)")
_RANGE = re.compile(rf"\(?{_COMPARISON.pattern}(?: AND {_COMPARISON.pattern})*\)?")
_CHOICE = re.compile(rf"\(day IN \({_DATE}(?:, {_DATE})*\)\)")
_ONE_OF: Callable[..., BooleanExpression] = In
_OPERATORS: dict[str, Callable[..., BooleanExpression]] = {
    "=": EqualTo,
    "<": LessThan,
    "<=": LessThanOrEqual,
    ">": GreaterThan,
    ">=": GreaterThanOrEqual,
}


@dataclass(frozen=True)
class Need:
    """What is read of a table: these columns, of rows of these days."""

    columns: frozenset[str]
    days: BooleanExpression

    def __or__(self, other: Need) -> Need:
        """Return what either reads."""
        return Need(self.columns | other.columns, Or(self.days, other.days))


def needs(
    connection: DuckDBPyConnection, select: str, tables: Mapping[str, Iterable[str]]
) -> dict[str, Need]:
    """Return what a SELECT reads, by table; `tables`: the columns of each table that the connection has.

    Only what the plan says beyond doubt is left out.
    """
    found: dict[str, Need] = {}
    (_, plan) = connection.execute(f"EXPLAIN (FORMAT json) {select}").fetchall()[0]
    for scan in _scans(json.loads(plan)):
        name = str(scan["Table"]).rpartition(".")[2].strip('"')
        need = _need(scan, frozenset(tables[name]))
        found[name] = found[name] | need if name in found else need
    return found


def _scans(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        yield from _scans(node.get("children") or [])
        if "Table" in node.get("extra_info", {}):
            yield node["extra_info"]


def _need(scan: dict[str, Any], columns: frozenset[str]) -> Need:
    filters = _texts(scan, "Filters")
    projected = {name.strip('"') for name in _texts(scan, "Projections")}
    if not projected <= columns:  # a name that is no column: take all of them
        projected = set(columns)
    named = {word for text in filters for word in re.findall(r"\w+", text)} & columns
    return Need(frozenset(projected | named), _days(filters) if "day" in columns else AlwaysTrue())


def _texts(scan: dict[str, Any], key: str) -> list[str]:
    value = scan.get(key) or []
    return [value] if isinstance(value, str) else value


def _days(filters: list[str]) -> BooleanExpression:
    """Return the condition of the filters, each of which every row must pass; of other filters nothing is known."""
    found: BooleanExpression = AlwaysTrue()
    for each in (text.removeprefix("optional: ") for text in filters):
        if _CHOICE.fullmatch(each):
            found = And(found, _ONE_OF("day", set(map(date.fromisoformat, re.findall(_DATE, each)))))
        elif _RANGE.fullmatch(each):
            for operator, day in _COMPARISON.findall(each):
                found = And(found, _OPERATORS[operator]("day", date.fromisoformat(day)))
    return found
