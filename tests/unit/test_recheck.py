"""When a settled interaction of messages or mail is asked for again: after three days, then weekly, for a month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks.pipeline.recheck import RecheckTimes
from tasks.stores import Stored
from tasks.values import iso

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TIMES = RecheckTimes(first=3 * DAY, interval=7 * DAY, limit=31 * DAY)
END = datetime(2026, 1, 1, 12, tzinfo=UTC)


def due(fetched_after: timedelta, now_after: timedelta) -> bool:
    """Return whether a record is due that was fetched, and is looked at, so long after its end."""
    stored = Stored("x", ended_at=iso(END), fetched_at=iso(END + fetched_after))
    return TIMES.is_due(stored, END + now_after)


@pytest.mark.parametrize("moment", [3 * DAY, 10 * DAY, 17 * DAY, 24 * DAY, 31 * DAY])
def test_each_moment_is_due_once(moment: timedelta) -> None:
    """From the moment on, until it was fetched after it."""
    assert not due(moment - HOUR, moment - HOUR / 2)
    assert due(moment - HOUR, moment)
    assert due(moment - HOUR, moment + HOUR)
    assert not due(moment + HOUR, moment + 2 * HOUR)


def test_what_was_missed_is_one_request() -> None:
    """After weeks without a worker one request is enough."""
    assert due(DAY, 20 * DAY)
    assert not due(20 * DAY, 20 * DAY + HOUR)


def test_it_ends() -> None:
    """No moment comes after the limit; what was missed before it may be caught up with for an interval."""
    assert due(30 * DAY, 37 * DAY)
    assert not due(32 * DAY, 37 * DAY)
    assert not due(HOUR, 39 * DAY)


@pytest.mark.parametrize(("ended", "fetched"), [(None, iso(END)), (iso(END), None), ("yesterday", iso(END))])
def test_a_row_that_others_have_edited_is_left_alone(ended: str | None, fetched: str | None) -> None:
    """It stops no scan."""
    assert not TIMES.is_due(Stored("x", ended_at=ended, fetched_at=fetched), END + 10 * DAY)
