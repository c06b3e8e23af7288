"""Which time a reconcile covers, in intervals that a details query can answer completely.

Genesys finds a conversation only by an interval that touches the (UTC) day on which it started: a call from
23:50 to 00:20 is not found by the next day's interval. The conversations that began on an earlier day and
spanned a midnight are found by an interval of one second before that midnight, so those seconds come first.
The days follow one by one: a conversation that started on a day of the interval is in that day's answer,
whenever it ended, and no conversation is in two days' answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tasks.errors import InvalidRequest

DEFAULT = timedelta(hours=3)
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)  # before there was a Genesys Cloud: nothing can be found there
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_MARGIN = timedelta(minutes=1)  # what ends this very moment would shift the pages that are being read


class InvalidInterval(InvalidRequest):
    """The parameters name no interval; the text says which to change."""

    code = "invalid-interval"


@dataclass(frozen=True)
class Interval:
    """A half-open interval of time in UTC: the end is excluded."""

    start: datetime
    end: datetime

    def until(self, end: datetime) -> Interval:
        """Return what of the interval lies before a time; it is empty when nothing does."""
        return Interval(self.start, max(self.start, min(self.end, end)))

    def halves(self) -> tuple[Interval, Interval]:
        """Return the interval as two, for an answer that is too long."""
        middle = self.start + (self.end - self.start) / 2
        return Interval(self.start, middle), Interval(middle, self.end)


def resolve_interval(
    start: datetime | None,
    end: datetime | None,
    *,
    last_hours: float | None,
    last_days: float | None,
    now: datetime,
) -> Interval:
    """Return the interval that the parameters name; the last three hours if they are all absent.

    It begins in 2010 at the earliest, and ends a minute before now at the latest. Raises InvalidInterval.
    """
    back = _back(last_hours, last_days, now - EARLIEST)
    if start is None and end is not None:
        raise InvalidInterval("end needs a start: name both, or last_hours or last_days alone")
    if start is not None and back is not None:
        raise InvalidInterval("start and last_hours or last_days exclude each other: name one of them")
    first = _utc(start) if start is not None else now - (back or DEFAULT)
    last = min(_utc(end) if end is not None else now, now - _MARGIN)
    if first < EARLIEST:
        raise InvalidInterval(f"start is before {EARLIEST:%Y-%m-%d}: name a later one")
    if first >= last:
        raise InvalidInterval("the interval is empty: start must be before end, and in the past")
    return Interval(first, last)


def scheduled_interval(
    *,
    last_hours: float | None,
    last_days: float | None,
    scheduled_for: datetime,
    covered_until: datetime | None,
    now: datetime,
) -> Interval:
    """Return the interval of a scheduled run: its usual one, or from where the last completed one ended, if earlier.

    The usual one is counted back from the time that the run was scheduled for, however late it begins. Raises
    InvalidInterval.
    """
    usual = resolve_interval(None, None, last_hours=last_hours, last_days=last_days, now=scheduled_for)
    first = min(usual.start, covered_until or usual.start)
    return Interval(max(first, EARLIEST), max(usual.end, now - _MARGIN))


def _back(last_hours: float | None, last_days: float | None, longest: timedelta) -> timedelta | None:
    if last_hours is not None and last_days is not None:
        raise InvalidInterval("last_hours and last_days exclude each other: name one of them")
    if last_hours is None and last_days is None:
        return None
    days = (last_hours or 0) / 24 + (last_days or 0)
    if not days > 0:  # also rejects NaN
        raise InvalidInterval("last_hours and last_days must be greater than 0")
    if days > longest / _DAY:
        raise InvalidInterval(
            f"last_hours or last_days reaches back before {EARLIEST:%Y-%m-%d}: name a smaller number"
        )
    return timedelta(hours=last_hours or 0, days=last_days or 0)


def query_intervals(
    interval: Interval, lookback: int, done_until: datetime | None = None
) -> Iterator[Interval]:
    """Yield the intervals to query, in order: the seconds before `lookback` midnights, then the days.

    What ends at `done_until` or before is left out: it is reconciled already.
    """
    for piece in (*_midnights(interval.start, lookback), *_days(interval)):
        if done_until is None or piece.end > done_until:
            yield piece


def _midnights(start: datetime, lookback: int) -> Iterator[Interval]:
    for nights in reversed(range(lookback)):
        midnight = _midnight(start) - nights * _DAY
        yield Interval(midnight - _SECOND, midnight)


def _days(interval: Interval) -> Iterator[Interval]:
    start = interval.start
    while start < interval.end:
        end = min(_midnight(start) + _DAY, interval.end)
        yield Interval(start, end)
        start = end


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # conversion to UTC leaves datetime's range
        return moment.replace(tzinfo=UTC)
