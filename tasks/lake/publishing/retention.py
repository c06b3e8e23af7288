"""Rows of the tables whose time is over, as DynamoDB's time to live removes them from its table."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pyiceberg.expressions import LessThan
from pyiceberg.table import Table

from tasks.lake.catalog import Lake
from tasks.lake.iceberg.commits import changing
from tasks.lake.iceberg.data_files import ID
from tasks.lake.iceberg.tables import LoadedTables

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


def _expired(interactions: Table, before: datetime) -> dict[date | None, set[str]]:
    """Return the interactions that expired before a moment, by day; files without any are not read."""
    scan = interactions.scan(
        row_filter=LessThan(term="expires_at", value=before.isoformat()), selected_fields=(ID, "day")
    )
    with changing(interactions):
        rows = scan.to_arrow().to_pylist()
    found: dict[date | None, set[str]] = {}
    for row in rows:
        found.setdefault(row["day"], set()).add(row[ID])
    return found
