"""UUIDs in canonical form, instants in UTC, ISO 8601 text, and lists in chunks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
UUID_PATTERN = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_MILLISECOND = timedelta(milliseconds=1)
_UUID = re.compile(UUID_PATTERN)
_EPOCH_DIGITS = re.compile(r"[0-9]{9,15}")


def canonical_id(value: Any) -> str | None:
    """Return the UUID in lower case; None for anything that is not exactly its 8-4-4-4-12 form."""
    return value.lower() if isinstance(value, str) and _UUID.fullmatch(value) else None


@lru_cache(maxsize=4096)
def is_canonical_id(text: str) -> bool:
    """Return whether a text is a UUID in lower case; cached, because an organisation has few users and queues."""
    return canonical_id(text) == text


def instant(value: object) -> datetime | None:
    """Return the UTC time of an ISO 8601 text or of epoch milliseconds, cut to the millisecond; else None.

    Epoch milliseconds are a number, or a text of nine digits and more: an input transformer of EventBridge writes
    numbers as text, and no ISO date has so many digits in a row. Milliseconds are the precision of Genesys's times
    and of `iso`. A text without an offset is UTC: Genesys writes no local times.
    """
    try:
        if isinstance(value, str) and _EPOCH_DIGITS.fullmatch(value):
            value = int(value)
        if isinstance(value, str):
            time = _from_text(value)
            return time.replace(microsecond=time.microsecond // 1000 * 1000)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return _EPOCH + int(value) * _MILLISECOND
    except (ValueError, OverflowError):
        pass
    return None


def _from_text(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is UTC:
        return time
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def iso(time: datetime) -> str:
    """Return an aware time as UTC, ISO 8601 with milliseconds and Z: 24 characters that sort as times do."""
    utc = time if time.tzinfo is UTC else time.astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def epoch_milliseconds(time: datetime) -> int:
    """Return whole milliseconds from 1970 to an aware time."""
    return (time - _EPOCH) // _MILLISECOND


def iso_of_milliseconds(milliseconds: int) -> str:
    """Return whole milliseconds from 1970 as `iso` returns that time."""
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{_iso_of_minutes(minutes)}:{seconds:02d}.{thousandths:03d}Z"


@lru_cache(maxsize=1024)
def _iso_of_minutes(minutes: int) -> str:
    """Return `2026-01-01T00:00`: the times of a conversation share it, and so do those of a batch."""
    return (_NAIVE_EPOCH + timedelta(minutes=minutes)).isoformat(timespec="minutes")


@lru_cache(maxsize=1024)
def milliseconds_of(text: str) -> int | None:
    """Return the epoch milliseconds of an ISO 8601 text, as `instant` reads it; None for any other text.

    Cached: half of the times in a conversation occur in it twice, as the end of one segment and the begin of the next.
    """
    try:
        return epoch_milliseconds(_from_text(text))
    except (ValueError, OverflowError):
        return None


def chunked(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in order, in lists of `size`; the last may be shorter."""
    left = iter(items)
    while chunk := list(islice(left, size)):
        yield chunk
