"""The days in whose partitions an interaction can stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from tasks.stores.interaction_items import NO_START, start_days

Row = Mapping[str, Any]


def days_of(row: Row) -> set[date | None]:
    """Return every day on which a version of a row, or of what a tombstone replaced, started."""
    return {None if day == NO_START else date.fromisoformat(day) for day in start_days(row)}


def days_to_erase(rows: Iterable[Row | None]) -> set[date | None] | None:
    """Return the days of rows and tombstones; None, which is all days, when one of them names none.

    Such a row may have expired in DynamoDB and stand in the tables still.
    """
    found = [days_of(row or {}) for row in rows]
    return set().union(*found) if all(found) else None
