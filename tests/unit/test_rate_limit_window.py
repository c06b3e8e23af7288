"""The arithmetic of the request limit's window, and the clock that it is counted by."""

from __future__ import annotations

import math
from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from tasks.genesys.rate_limit.server_clock import ServerClock
from tasks.genesys.rate_limit.window import PermitCounts, RateWindow, TimeBucket

NOW = 1_795_000_000.0
steps = st.lists(st.tuples(st.floats(0, 12), st.integers(1, 9), st.booleans()), min_size=1, max_size=60)


@given(steps)
def test_no_stretch_of_time_holds_more_permits_than_the_limit(steps: list[tuple[float, int, bool]]) -> None:
    """Whatever is asked for and when: never more than the limits within a window that starts anywhere."""
    limits, length = PermitCounts(10, 3), 60.0
    window, now = RateWindow(length), NOW
    permits: list[tuple[float, bool]] = []
    for pause, wanted, background in steps:
        now += pause
        window = window.at(now)
        count = min(wanted, window.available(limits, background=background))
        window = window.add(count, now, background=background)
        permits += [(now, background)] * count
    for limit, moments in (
        (limits.total, [moment for moment, _ in permits]),
        (limits.background, [moment for moment, background in permits if background]),
    ):
        for first, moment in enumerate(moments):
            assert bisect_left(moments, moment + length) - first <= limit


@given(steps, st.integers(1, 10))
def test_the_wait_is_no_longer_than_it_must_be(steps: list[tuple[float, int, bool]], count: int) -> None:
    """After the wait so many permits are available; a bucket earlier they were not."""
    limits = PermitCounts(10, 10)
    window, now = RateWindow(60.0), NOW
    for pause, wanted, _ in steps:
        now += pause
        window = window.at(now)
        granted = min(wanted, window.available(limits, background=False))
        window = window.add(granted, now, background=False)
    wait = window.seconds_until(count, limits, now, background=False)
    assert window.at(now + wait + 1e-3).available(limits, background=False) >= count
    if wait:
        assert window.at(now + wait - 0.7).available(limits, background=False) < count


def test_the_whole_limit_is_available_again_after_one_window() -> None:
    """300 at once, then 300 again no later than a window and one bucket afterwards."""
    limits = PermitCounts(300, 300)
    window = RateWindow(65.0).add(300, 1000.0, background=False)
    assert window.available(limits, background=False) == 0
    assert window.seconds_until(300, limits, 1000.0, background=False) <= 65.0 * 1.01


def test_a_count_above_the_limit_is_never_available() -> None:
    """With a limit of 0, or of less than is wanted, the wait is infinite."""
    assert math.isinf(RateWindow(60.0).seconds_until(1, PermitCounts(0, 0), 0.0, background=False))
    assert math.isinf(RateWindow(60.0).seconds_until(1, PermitCounts(9, 0), 0.0, background=True))


def test_a_permit_dated_by_a_wrong_clock_does_not_block_forever() -> None:
    """Buckets further in the future than a window are left out."""
    window = RateWindow(60.0, buckets=(TimeBucket(10_000.0, 300, 0),))
    assert window.at(1000.0).buckets == ()


@given(
    st.floats(-1e6, 1e6),
    st.lists(st.tuples(st.floats(0.001, 5), st.floats(0, 0.2), st.floats(0, 0.2)), min_size=1, max_size=30),
)
def test_a_servers_clock_is_known_within_half_a_second(
    offset: float, responses: list[tuple[float, float, float]]
) -> None:
    """However far off the local clock is, Dates of whole seconds give the time to half a second or so."""
    clock, local = ServerClock(), 5000.0
    assert clock.at(local) is None
    for pause, there, back in responses:
        sent = local + pause
        stamped = sent + there
        local = stamped + back
        clock.observe(math.floor(stamped + offset), sent=sent, received=local)
        estimate = clock.at(local)
        assert estimate is not None
        assert abs(estimate - (local + offset)) <= 0.5 + (there + back) / 2 + 1e-3


def test_the_estimate_follows_a_jump_of_the_clock() -> None:
    """When this machine slept for an hour, the next response corrects the estimate at once."""
    clock = ServerClock()
    for second in range(10):
        clock.observe(1000 + second, sent=second + 0.4, received=second + 0.5)
    clock.observe(4610, sent=10.0, received=10.1)
    estimate = clock.at(10.1)
    assert estimate is not None
    assert abs(estimate - 4610.5) < 0.6
