"""What a table or a view holds, for a list."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from pyiceberg.table import Table

from tasks.lake import schema


@dataclass(frozen=True)
class ShownColumn:
    """A column as it is listed: its type is `Kind`'s word in a table, DuckDB's in a view."""

    name: str
    type: str
    description: str = ""
    personal: bool = False


@dataclass(frozen=True)
class Contents:
    """A table, or a view: it has no rows of its own. `rows` is None, too, for a table that may not be read."""

    name: str
    kind: str
    rows: int | None
    description: str
    columns: tuple[ShownColumn, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON's values."""
        return asdict(self)


def rows_of(table: Table | None) -> int:
    """Return how many rows a table has, as its metadata say; none while nothing has been published."""
    snapshot = table.current_snapshot() if table else None
    return int(snapshot.summary["total-records"] or 0) if snapshot and snapshot.summary else 0


def of_table(declared: schema.Table, rows: int | None) -> Contents:
    """Return what a declared table holds."""
    columns = (ShownColumn(c.name, c.kind.value, c.description, c.personal) for c in declared.columns)
    return Contents(declared.name, "table", rows, declared.description, tuple(columns))


def of_view(name: str, sql: str, columns: list[tuple[str, str]]) -> Contents:
    """Return what a view holds; its description is the comment above its SELECT."""
    lines = [line.removeprefix("--").strip() for line in re.findall(r"\A((?:--.*\n)*)", sql)[0].splitlines()]
    shown = tuple(ShownColumn(column, type_) for column, type_ in columns)
    return Contents(name, "view", None, " ".join(lines).removesuffix("."), shown)
