"""Interactions out of the tables, whatever others commit meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta

from tasks.lake.catalog import Lake
from tasks.lake.errors import LakeConflict
from tasks.lake.iceberg.tables import INTERACTION_TABLES, LoadedTables
from tasks.lake.iceberg.warehouse import Warehouse
from tasks.lake.schema import Table

_ATTEMPTS = 20  # of an erasure that others' commits refuse: each of them is a commit of theirs


def erase(
    lake: Lake,
    days: Collection[date | None] | None,
    ids: Collection[str],
    grace: timedelta,
    tables: Sequence[Table] = INTERACTION_TABLES,
) -> int:
    """Delete the rows of interactions that have a tombstone, and every file that held them; return how many rows.

    Without days, those of all days. `grace` is longer than any run of a publish.
    Raises StoreUnavailable, and LakeConflict when others commit again and again.
    """
    erased = 0
    for _ in range(_ATTEMPTS):
        try:
            erased += LoadedTables.load(lake, tables).erase(days, ids, grace, datetime.now(UTC))
        except LakeConflict:
            continue
        return erased
    raise LakeConflict("others commit to the tables again and again; the erasure goes on with the next try")


def count(lake: Lake, days: Collection[date | None] | None, ids: Collection[str]) -> int:
    """Return how many rows of the tables that exist are of these interactions."""
    tables = {each.name: lake.existing(each.name) for each in INTERACTION_TABLES}
    existing = {name: table for name, table in tables.items() if table is not None}
    return LoadedTables(existing, Warehouse(lake.s3, lake.bucket)).count(days, ids)
