"""Rows of the tables whose time is over, as DynamoDB's time to live removes them from its table."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pyiceberg.expressions import BooleanExpression, LessThan
from pyiceberg.table import Table

from tasks.lake.catalog import Lake
from tasks.lake.iceberg.commits import changing
from tasks.lake.iceberg.data_files import ID
from tasks.lake.iceberg.tables import LoadedTables
from tasks.lake.schema import TABLES

LENIENCY = timedelta(days=1)
"""How much longer rows stay than they have to: those of a day end within a day, and go at once."""


def remove_expired(lake: Lake, grace: timedelta, now: datetime) -> int:
    """Delete interactions whose `expires_at` is more than a day ago, with every file that held them; return how many.

    Raises LakeConflict and StoreUnavailable.
    """
    expired = _expired(LoadedTables.load(lake)["interactions"], now - LENIENCY)
    for day, ids in expired.items():
        LoadedTables.load(lake).erase([day], ids, grace, now)
    return sum(map(len, expired.values()))


def remove_old_conversations(lake: Lake, kept: timedelta, grace: timedelta, now: datetime) -> int:
    """Delete whole conversations that began longer ago, with every file that held them; return how many.

    The rows that were made of them stay as long as their records. One without a start is not old. Raises LakeConflict
    and StoreUnavailable.
    """
    table = TABLES["conversations"]
    before = LessThan(term="day", value=(now - kept).date().isoformat())
    old = _by_day(LoadedTables.load(lake, [table])[table.name], before)
    ids = set().union(*old.values())
    if ids:
        LoadedTables.load(lake, [table]).erase(set(old), ids, grace, now)
    return len(ids)


def _expired(interactions: Table, before: datetime) -> dict[date | None, set[str]]:
    """Return the interactions that expired before a moment, by day; files without any are not read."""
    return _by_day(interactions, LessThan(term="expires_at", value=before.isoformat()))


def _by_day(table: Table, chosen: BooleanExpression) -> dict[date | None, set[str]]:
    scan = table.scan(row_filter=chosen, selected_fields=(ID, "day"))
    with changing(table):
        rows = scan.to_arrow().to_pylist()
    found: dict[date | None, set[str]] = {}
    for row in rows:
        found.setdefault(row["day"], set()).add(row[ID])
    return found
