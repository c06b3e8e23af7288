"""Points in time: epoch milliseconds and ISO 8601 become aware UTC datetimes and one fixed-width text."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def instant(value: object) -> datetime | None:
    """Return the UTC time that a number of epoch milliseconds or an ISO 8601 text means; else None.

    It is cut to the millisecond, which is as fine as Genesys's times are and as `iso` writes them.
    A text without an offset is UTC: Genesys writes no local times.
    """
    try:
        if isinstance(value, str):
            time = _from_text(value)
            return time.replace(microsecond=time.microsecond // 1000 * 1000)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return EPOCH + int(value) * _MILLISECOND
    except (ValueError, OverflowError):
        pass
    return None


def _from_text(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is UTC:
        return time
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def iso(time: datetime) -> str:
    """Return an aware UTC time as ISO 8601 with milliseconds and Z: 24 characters that sort as times do."""
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def epoch_milliseconds(time: datetime) -> int:
    """Return whole milliseconds since 1970; a time without a zone is UTC."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (aware - EPOCH) // _MILLISECOND
