"""Timestamps of the simulated conversations: epoch milliseconds in, ISO 8601 with milliseconds and Z out."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

DAY_MS = 86_400_000

# Half of a conversation's JSON is timestamps: formatting from these tables keeps them cheap.
_MINUTES = [f"T{hour:02d}:{minute:02d}" for hour in range(24) for minute in range(60)]
_SECONDS = [f":{second:02d}." for second in range(60)]


@lru_cache(maxsize=64)
def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def timestamp(moment: int) -> str:
    """Return a moment (epoch ms) in Genesys's format, such as 2026-01-15T00:00:00.000Z."""
    day, rest = divmod(moment, DAY_MS)
    minute, rest = divmod(rest, 60_000)
    second, millis = divmod(rest, 1000)
    return f"{_date(day)}{_MINUTES[minute]}{_SECONDS[second]}{millis:03d}Z"


def parse_utc(text: str) -> datetime:
    """Parse an ISO 8601 time; one without a zone is UTC. Raises ValueError for anything else."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def epoch_ms(text: str) -> int:
    """Return an ISO 8601 time as epoch ms. Raises ValueError if it is none."""
    return round(parse_utc(text).timestamp() * 1000)
