"""Ids, instants, ISO 8601 text and chunks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from tasks.values import chunked, epoch_milliseconds, instant, iso

moments = st.integers(0, 4_102_444_799_999).map(
    lambda ms: datetime.fromtimestamp(ms / 1000, UTC)
)  # until 2100


def test_chunks_lose_nothing() -> None:
    """Chunks of a size hold every item in its order; no items are no chunk."""
    assert list(chunked("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]
    assert list(chunked([], 2)) == []


@given(moments, moments)
def test_times_sort_as_text(one: datetime, two: datetime) -> None:
    """Texts of UTC times, to the millisecond, sort as the times do."""
    first, second = (moment.replace(microsecond=moment.microsecond // 1000 * 1000) for moment in (one, two))
    assert (iso(one) < iso(two)) == (first < second)
    assert len(iso(one)) == len("2026-01-15T10:00:00.000Z")


def test_times_are_utc() -> None:
    """A time of another zone is written in UTC."""
    moment = datetime(2026, 1, 15, 3, 0, 0, 5_999, tzinfo=timezone(timedelta(hours=-7)))
    assert iso(moment) == "2026-01-15T10:00:00.005Z"


@given(moments)
def test_times_are_read_as_they_are_written(moment: datetime) -> None:
    """The text and the epoch milliseconds of a time, as a number or as its digits, read as the same time."""
    assert instant(iso(moment)) == instant(epoch_milliseconds(moment)) == moment
    if epoch_milliseconds(moment) >= 10**8:
        assert instant(str(epoch_milliseconds(moment))) == moment


def test_digits_are_milliseconds_and_a_date_is_a_date() -> None:
    """A transformer writes a time as digits, which were read as a year; a date without dashes has eight."""
    assert instant("1712101512301") == datetime(2024, 4, 2, 23, 45, 12, 301_000, tzinfo=UTC)
    assert instant("20240402") == datetime(2024, 4, 2, tzinfo=UTC)
    assert instant("9" * 16) is None
