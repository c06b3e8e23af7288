"""The interaction tables as they were at one moment: rows of some interactions replaced, erased, merged.

A commit goes through only when nobody else has committed to its table since that moment. Who loads the tables, then
reads the rows, then commits every table, even one where nothing changes, has seen whatever others committed before,
and no older rows are committed after.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.table import Table

from tasks.lake import schema
from tasks.lake.catalog import Lake
from tasks.lake.iceberg.commits import changing, commit
from tasks.lake.iceberg.data_files import FileWriter, column, files_of, holds, rows_in, small, without
from tasks.lake.iceberg.snapshots import delete_unnamed, expire
from tasks.lake.iceberg.warehouse import Warehouse

INTERACTION_TABLES = tuple(table for table in schema.TABLES.values() if table.partitioned)
"""In the order of commits."""

MANY_FILES = 12
"""Small files of one day, above which they are merged."""

MANY_SNAPSHOTS = 30
"""Snapshots of a table, above which the older ones are deleted."""

Days = Collection[date | None]


class LoadedTables:
    """The handles of one moment. Methods raise LakeConflict and StoreUnavailable."""

    def __init__(self, tables: Mapping[str, Table], warehouse: Warehouse) -> None:
        self._tables = tables
        self._warehouse = warehouse

    @classmethod
    def load(cls, lake: Lake, tables: Iterable[schema.Table] = INTERACTION_TABLES) -> Self:
        """Load the tables, in their order of commit; they are created or given new columns where needed."""
        return cls(lake.open_all(tables), Warehouse(lake.s3, lake.bucket))

    def replace(self, days: Days, ids: Collection[str], rows: Mapping[str, pa.Table]) -> dict[str, int]:
        """Put the rows in the place of whatever stands of these interactions in these days; return rows per table.

        `days` are all days on which a version of one of the interactions started. Tables are committed one by one:
        after an error the same call, on tables loaded anew and rows read anew, completes the work.
        """
        return {
            name: _replace(table, days, ids, rows.get(name)) for name, table in self._tables.items() if ids
        }

    def erase(self, days: Days | None, ids: Collection[str], grace: timedelta, now: datetime) -> int:
        """Delete the interactions' rows, and every file that held them; return how many rows were current.

        Without days, those of all days. Each table gets a new snapshot even where nothing stood: a commit with rows
        that were read before the tombstones is refused. Whoever reads an older snapshot meanwhile fails.
        """
        erased = 0
        for table in self._tables.values():
            erased += _erase_rows(table, days, ids)
            with changing(table):
                expire(table, self._warehouse)
                delete_unnamed(table, self._warehouse, now - grace, ids)
        return erased

    def count(self, days: Days | None, ids: Collection[str]) -> int:
        """Return how many rows are of these interactions; without days, in all days."""
        return sum(_count(table, days, ids) for table in self._tables.values())

    def compact(self, day: date | None) -> int:
        """Merge the small files of a day where there are many of them; return how many files are gone."""
        return sum(_compact(table, day) for table in self._tables.values())

    def expire(self, keep: timedelta, grace: timedelta, now: datetime) -> int:
        """Delete older snapshots of tables with many, with their files and what runs have left; return how many.

        Snapshots younger than `keep` stay, for those who are reading; files without a commit are deleted when they
        are older than `grace`.
        """
        many = [table for table in self._tables.values() if len(table.metadata.snapshots) > MANY_SNAPSHOTS]
        expired = 0
        for table in many:
            with changing(table):
                expired += expire(table, self._warehouse, now - keep)
                delete_unnamed(table, self._warehouse, now - grace)
        return expired

    def __getitem__(self, name: str) -> Table:
        """Return one handle, to read."""
        return self._tables[name]


def _replace(table: Table, days: Days, ids: Collection[str], rows: pa.Table | None) -> int:
    writer = FileWriter(table)
    with changing(table):
        removed = list(without(table, files_of(table, days), ids, writer))
        if rows is not None:
            writer.add(rows)
        writer.flush()
        commit(table, removed, writer.files)
    return 0 if rows is None else len(rows)


def _erase_rows(table: Table, days: Days | None, ids: Collection[str]) -> int:
    """Commit the table without the interactions' rows; return how many there were."""
    before = _row_count(table)
    writer = FileWriter(table)
    with changing(table):
        removed = list(without(table, files_of(table, days), ids, writer))
        writer.flush()
        commit(table, removed, writer.files)
    return before - _row_count(table)


def _count(table: Table, days: Days | None, ids: Collection[str]) -> int:
    with changing(table):
        found = (holds(column(table, file.file.file_path), ids) for file in files_of(table, days))
        return sum(pc.sum(each).as_py() or 0 for each in found)


def _row_count(table: Table) -> int:
    snapshot = table.current_snapshot()
    summary = snapshot.summary if snapshot is not None else None
    return int((summary.additional_properties if summary else {}).get("total-records", 0))


def _compact(table: Table, day: date | None) -> int:
    writer = FileWriter(table)
    with changing(table):
        files = files_of(table, [day])
        if len(files) > MANY_FILES:
            files = small(table, files)
        if len(files) <= MANY_FILES:
            return 0
        for file in files:
            writer.add(rows_in(table, file))
        writer.flush()
        commit(table, [file.file for file in files], writer.files)
    return len(files) - len(writer.files)
