"""Rows of many interactions for one commit, each interaction once, as Arrow tables from the first moment on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.lake.columns import arrow_rows
from tasks.lake.days import days_of
from tasks.lake.iceberg.data_files import ID, holds
from tasks.lake.rows import rows_of

Row = Mapping[str, Any]


class Batch:
    """Collects what is to be published: its interactions, the days where they may stand, and their rows."""

    def __init__(self) -> None:
        self.days: set[date | None] = set()
        self._parts: list[dict[str, pa.Table]] = []
        self._superseded: list[set[str]] = []
        self._part_of: dict[str, int] = {}
        self._version: dict[str, str] = {}

    @property
    def ids(self) -> frozenset[str]:
        """The interactions."""
        return frozenset(self._part_of)

    @property
    def size(self) -> int:
        """Bytes of the rows in memory."""
        return sum(rows.nbytes for part in self._parts for rows in part.values())

    def add(self, pairs: Sequence[tuple[Row, Mapping[str, Any]]], without: Collection[str] = ()) -> None:
        """Take rows of DynamoDB with their conversations; of one interaction the greatest version is kept.

        `without` names tables whose rows are not needed.
        """
        found: dict[str, list[dict[str, Any]]] = {}
        for row, conversation in {
            str(row["interactionId"]): (row, conversation) for row, conversation in pairs
        }.values():
            if self._is_newest(row):
                self.days |= days_of(row)
                for name, rows in rows_of(row, conversation).items():
                    found.setdefault(name, []).extend(rows)
        self._parts.append(
            {name: arrow_rows(name, rows) for name, rows in found.items() if name not in without}
        )
        self._superseded.append(set())

    def rows(self) -> dict[str, pa.Table]:
        """Return the rows per table."""
        tables: dict[str, list[pa.Table]] = {}
        for part, superseded in zip(self._parts, self._superseded, strict=True):
            for name, rows in part.items():
                kept = rows.filter(pc.invert(holds(rows[ID], superseded))) if superseded else rows
                tables.setdefault(name, []).append(kept)
        return {name: pa.concat_tables(parts) for name, parts in tables.items()}

    def _is_newest(self, row: Row) -> bool:
        """Note an interaction; return False when a part has this version of it or a greater one."""
        interaction_id, version = str(row["interactionId"]), str(row["version"])
        if interaction_id in self._part_of:
            if version <= self._version[interaction_id]:
                return False
            self._superseded[self._part_of[interaction_id]].add(interaction_id)
        self._part_of[interaction_id], self._version[interaction_id] = len(self._parts), version
        return True
