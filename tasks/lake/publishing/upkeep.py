"""What keeps the tables small: few files a day, few snapshots, nothing whose time is over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from tasks.lake.catalog import Lake
from tasks.lake.iceberg.tables import LoadedTables
from tasks.lake.publishing.retention import remove_expired, remove_old_conversations

READING = timedelta(hours=1)
"""How long a snapshot stays for those who read it; a query of Athena takes half an hour at the most."""


class UpkeepCounts(NamedTuple):
    """What was done, in numbers."""

    merged: int
    """Files that are gone because their rows stand in others."""
    snapshots: int
    """Former snapshots that are gone with their files."""
    expired: int
    """Interactions whose time was over, and whole conversations whose time was."""


def keep_up(
    lake: Lake, days: Iterable[date | None], grace: timedelta, conversations_kept: timedelta | None = None
) -> UpkeepCounts:
    """Merge the files of days, delete old snapshots, expired rows and, with a limit, whole conversations beyond it.

    Raises LakeConflict and StoreUnavailable.
    """
    now = datetime.now(UTC)
    tables = LoadedTables.load(lake)
    merged = sum(tables.compact(day) for day in days)
    snapshots = tables.expire(READING, grace, now)
    expired = remove_expired(lake, grace, now)
    if conversations_kept is not None:
        expired += remove_old_conversations(lake, conversations_kept, grace, now)
    return UpkeepCounts(merged, snapshots, expired)
