"""The queries of a reconcile cover its interval, each within one day."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.operations.intervals import (
    Interval,
    InvalidInterval,
    query_intervals,
    resolve_interval,
    scheduled_interval,
)

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 10, 5, 30, tzinfo=UTC)
LOOKBACK = 3
EAST = timezone(timedelta(hours=14))
WEST = timezone(timedelta(hours=-12))
moments = st.integers(0, 19 * 24 * 3600).map(
    lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)
intervals = st.tuples(moments, moments).filter(lambda t: t[0] < t[1]).map(lambda t: Interval(*t))


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return a moment of March 2026."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def midnight(moment: datetime) -> datetime:
    """Return the beginning of a moment's day."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def finds(interval: Interval, start: datetime, end: datetime) -> bool:
    """Return whether Genesys finds a conversation: it overlaps the interval, which touches the day of its start."""
    touched = interval.start < midnight(start) + DAY and midnight(start) < interval.end
    return touched and start < interval.end and end >= interval.start


@given(interval=intervals)
def test_the_days_cover_the_interval_without_gap_or_overlap(interval: Interval) -> None:
    """The query intervals follow one another from start to end, and none exceeds its day."""
    days = list(query_intervals(interval, lookback=0))
    assert days[0].start == interval.start
    assert days[-1].end == interval.end
    assert all(one.end == two.start for one, two in itertools.pairwise(days))
    assert all(piece.start < piece.end <= midnight(piece.start) + DAY for piece in days)


@given(interval=intervals, end=st.floats(0, 1), span=st.integers(1, 3 * 24 * 3600))
def test_a_conversation_that_began_days_before_is_found(interval: Interval, end: float, span: int) -> None:
    """A conversation that ended in the interval and spans at most LOOKBACK midnights is found."""
    ended = interval.start + end * (interval.end - interval.start) * 0.999
    started = ended - timedelta(seconds=span)
    assert any(finds(piece, started, ended) for piece in query_intervals(interval, LOOKBACK))


def test_the_second_before_midnight_finds_a_conversation_over_midnight() -> None:
    """A conversation over midnight is found by the interval before midnight and not by that of the next day."""
    night = at(9, 23, 50), at(10, 0, 20)
    found = [finds(piece, *night) for piece in query_intervals(Interval(at(10), at(10, 3)), LOOKBACK)]
    assert found == [False, False, True, False]


@given(interval=intervals, start=moments, length=st.integers(0, 5 * 24 * 3600))
def test_no_conversation_is_found_twice(interval: Interval, start: datetime, length: int) -> None:
    """At most one of the days' intervals finds a conversation."""
    end = start + timedelta(seconds=length)
    days = list(query_intervals(interval, lookback=0))
    assert sum(finds(piece, start, end) for piece in days) <= 1


@given(interval=intervals, done=st.integers(0, 20))
def test_completed_intervals_are_left_out(interval: Interval, done: int) -> None:
    """After some intervals the others are left, in the same order."""
    every = list(query_intervals(interval, LOOKBACK))
    done = min(done, len(every) - 1)
    left = list(query_intervals(interval, LOOKBACK, done_until=every[done].end))
    assert left == every[done + 1 :]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, (at(10, 2, 30), at(10, 5, 29))),
        ({"last_hours": 1}, (at(10, 4, 30), at(10, 5, 29))),
        ({"last_days": 4}, (at(6, 5, 30), at(10, 5, 29))),
        ({"start": at(1), "end": at(2)}, (at(1), at(2))),
        ({"start": at(1)}, (at(1), at(10, 5, 29))),
        ({"start": at(1).replace(tzinfo=None), "end": at(30)}, (at(1), at(10, 5, 29))),
        ({"start": at(1), "end": datetime.max.replace(tzinfo=WEST)}, (at(1), at(10, 5, 29))),
    ],
)
def test_an_interval_ends_in_the_past(
    parameters: dict[str, Any], expected: tuple[datetime, datetime]
) -> None:
    """An interval ends a minute before now at the latest; times without a zone are UTC."""
    every = {"start": None, "end": None, "last_hours": None, "last_days": None} | parameters
    assert resolve_interval(**every, now=NOW) == Interval(*expected)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"end": at(2)}, "start"),
        ({"start": at(2), "end": at(1)}, "before end"),
        ({"start": at(20)}, "in the past"),
        ({"start": at(1), "last_hours": 3}, "last_hours"),
        ({"last_days": 1, "last_hours": 3}, "exclude"),
        ({"last_hours": 0}, "greater than 0"),
        ({"last_days": -1}, "greater than 0"),
        ({"last_days": math.nan}, "greater than 0"),
        ({"start": datetime(1, 1, 1, tzinfo=UTC)}, "start is before 2010-01-01"),
        ({"start": datetime(1, 1, 1, tzinfo=EAST)}, "start is before 2010-01-01"),
        ({"start": datetime(2009, 12, 31, 23, tzinfo=UTC)}, "start is before 2010-01-01"),
        ({"start": at(1), "end": datetime(1, 1, 1, tzinfo=EAST)}, "before end"),
        ({"last_days": 1e6}, "last_hours or last_days reaches back before 2010-01-01"),
        ({"last_hours": math.inf}, "last_hours or last_days reaches back before 2010-01-01"),
    ],
)
def test_parameters_without_a_valid_interval_are_refused(parameters: dict[str, Any], named: str) -> None:
    """The error names the parameter to change."""
    every = {"start": None, "end": None, "last_hours": None, "last_days": None} | parameters
    with pytest.raises(InvalidInterval, match=named):
        resolve_interval(**every, now=NOW)


def test_an_interval_is_halved_without_gap_or_overlap() -> None:
    """The two halves of an interval with too many conversations meet in its middle."""
    first, second = Interval(at(1), at(2)).halves()
    assert (first.start, first.end, second.start, second.end) == (at(1), at(1, 12), at(1, 12), at(2))


def scheduled(scheduled_for: datetime, covered_until: datetime | None) -> Interval:
    """Return the interval of an hourly run that begins at NOW."""
    return scheduled_interval(
        last_hours=3, last_days=None, scheduled_for=scheduled_for, covered_until=covered_until, now=NOW
    )


@pytest.mark.parametrize(
    ("scheduled_for", "covered_until", "start"),
    [
        (at(10, 5, 30), None, at(10, 2, 30)),
        (at(10, 5, 30), at(10, 4, 29), at(10, 2, 30)),
        (at(10, 5, 10), at(10, 4, 29), at(10, 2, 10)),
        (at(10, 5, 10), at(9, 22, 9), at(9, 22, 9)),
        (at(10, 1, 10), at(10, 0, 9), at(9, 22, 10)),
    ],
)
def test_a_scheduled_run_begins_where_the_last_one_ended(
    scheduled_for: datetime, covered_until: datetime | None, start: datetime
) -> None:
    """At least its usual hours before the time that it was scheduled for; up to a minute before now."""
    assert scheduled(scheduled_for, covered_until) == Interval(start, NOW - timedelta(minutes=1))


def test_a_scheduled_run_begins_no_earlier_than_genesys_cloud() -> None:
    """Whatever somebody wrote into the variable."""
    assert scheduled(NOW, datetime(1999, 1, 1, tzinfo=UTC)).start == datetime(2010, 1, 1, tzinfo=UTC)
