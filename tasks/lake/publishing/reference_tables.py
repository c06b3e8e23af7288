"""The tables of names, each replaced whole by what the directory knows."""

from __future__ import annotations

from collections.abc import Iterable

from pyiceberg.table import Table

from tasks.lake.catalog import Lake
from tasks.lake.columns import arrow_rows
from tasks.lake.iceberg.commits import changing, commit
from tasks.lake.iceberg.data_files import write
from tasks.lake.iceberg.snapshots import expire
from tasks.lake.iceberg.warehouse import Warehouse
from tasks.lake.schema import TABLES
from tasks.stores.directory import DirectoryEntry

REFERENCE_TABLES = {
    "user": "users",
    "queue": "queue_names",
    "wrapUpCode": "wrap_up_codes",
    "division": "divisions",
}
"""The table of each kind of the directory."""


def replace_names(lake: Lake, entries: Iterable[DirectoryEntry]) -> dict[str, int]:
    """Make the tables say what the directory says; return the rows of those that have changed.

    Former names are deleted with their files. Raises LakeConflict and StoreUnavailable.
    """
    names: dict[str, dict[str, str]] = {table: {} for table in REFERENCE_TABLES.values()}
    for entry in entries:
        if entry.name is not None and entry.key.kind in REFERENCE_TABLES:
            names[REFERENCE_TABLES[entry.key.kind]][entry.key.id] = entry.name
    changed = {}
    for name, rows in names.items():
        if _replaced(lake, lake.open(TABLES[name]), name, rows):
            changed[name] = len(rows)
    return changed


def _replaced(lake: Lake, table: Table, name: str, rows: dict[str, str]) -> bool:
    """Replace a table's rows; return whether they were others."""
    with changing(table):
        stands = table.scan().to_arrow().to_pylist()
        if {row["id"]: row["name"] for row in stands} == rows:
            return False
        new = arrow_rows(name, ({"id": id_, "name": rows[id_]} for id_ in sorted(rows)))
        commit(table, [file.file for file in table.scan().plan_files()], write(table, new))
        expire(table, Warehouse(lake.s3, lake.bucket))
    return True
