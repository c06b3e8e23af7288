"""Printing an answer: a table for a terminal, CSV and JSON for a program."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.records.json_text import json_text

Format = Literal["table", "csv", "json"]
Row = tuple[Any, ...]

MOST_ROWS = 1000
"""Rows that are shown as a table."""

_FRAME = 3  # characters of a table's lines and margins for each column


def show(columns: Sequence[str], rows: Iterator[Row], form: Format) -> None:
    """Print the rows, CSV and JSON as they come; nothing before the first is there, which may be an error."""
    shown: dict[Format, Callable[[Sequence[str], Iterator[Row]], None]] = {
        "table": _table,
        "csv": _csv,
        "json": _json,
    }
    first = list(islice(rows, 1))
    shown[form](columns, chain(first, rows))


def _table(columns: Sequence[str], rows: Iterator[Row]) -> None:
    """Print a table as wide as the terminal, or where that would break every word, a block of lines for each row."""
    console, first = Console(emoji=False), list(islice(rows, MOST_ROWS))
    texts = [[_text(value) for value in row] for row in first]
    widths = [max(map(len, [name, *values])) for name, *values in zip(columns, *texts, strict=True)]
    if first and sum(widths) + _FRAME * len(widths) >= console.width:
        _print_blocks(console, columns, texts)
    else:
        _print_grid(console, columns, first, texts)
    if next(rows, None) is not None:
        said = f"The first {MOST_ROWS:,} rows; --format csv prints all of them."
        Console(stderr=True, emoji=False).print(said, highlight=False)


def _print_grid(
    console: Console, columns: Sequence[str], rows: Sequence[Row], texts: Sequence[Sequence[str]]
) -> None:
    table = Table()
    for number, name in enumerate(columns):
        numeric = all(isinstance(row[number], int | float | Decimal | None) for row in rows)
        table.add_column(escape(name), justify="right" if numeric and rows else "left", overflow="fold")
    for row in texts:
        table.add_row(*map(escape, row))
    console.print(table)


def _print_blocks(console: Console, columns: Sequence[str], texts: Sequence[Sequence[str]]) -> None:
    table = Table("column", "value", show_header=False)
    for row in texts:
        for name, value in zip(columns, row, strict=True):
            table.add_row(escape(name), escape(value))
        table.add_section()
    table.columns[0].no_wrap = True
    table.columns[1].overflow = "fold"
    console.print(table)


def _csv(columns: Sequence[str], rows: Iterator[Row]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_text(value) for value in row] for row in rows)


def _json(columns: Sequence[str], rows: Iterator[Row]) -> None:
    """Print a list with a row a line: a program can read it while it comes."""
    sys.stdout.write("[")
    for number, row in enumerate(rows):
        values = {name: _plain(value) for name, value in zip(columns, row, strict=True)}
        sys.stdout.write(("," if number else "") + "\n" + json_text(values))
    sys.stdout.write("\n]\n")


def _text(value: Any) -> str:
    plain = _plain(value)
    if plain is None:
        return ""
    if isinstance(plain, Decimal):
        return f"{plain.normalize():f}"
    return plain if isinstance(plain, str) else json_text(plain)


def _plain(value: Any) -> Any:
    """Return what JSON has of a value: times as text in UTC, numbers exact, what else there is as text."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | Decimal | None) else str(value)
