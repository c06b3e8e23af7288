"""The arithmetic of the request limit's window, and the clock that it is counted by."""

from __future__ import annotations

import math
from bisect import bisect_left
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.genesys.rate_limit.server_clock import ServerClock
from tasks.genesys.rate_limit.window import LatePermit, Permit, PermitCounts, RateWindow, TimeBucket

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
        window = window.add(count, now + length, background=background)
        permits += [(now, background)] * count
    for limit, moments in (
        (limits.total, [moment for moment, _ in permits]),
        (limits.background, [moment for moment, background in permits if background]),
    ):
        for first, moment in enumerate(moments):
            assert bisect_left(moments, moment + length) - first <= limit


@given(steps, st.integers(1, 10))
def test_the_wait_is_no_longer_than_it_must_be(steps: list[tuple[float, int, bool]], count: int) -> None:
    """After the wait so many permits are available; before it they were not."""
    limits = PermitCounts(10, 10)
    window, now = RateWindow(60.0), NOW
    for pause, wanted, _ in steps:
        now += pause
        window = window.at(now)
        granted = min(wanted, window.available(limits, background=False))
        window = window.add(granted, now + 60.0, background=False)
    wait = window.seconds_until(count, limits, now, background=False)
    assert window.at(now + wait + 1e-3).available(limits, background=False) >= count
    if wait:
        assert window.at(now + wait - 1e-3).available(limits, background=False) < count


def test_the_whole_limit_is_available_again_after_one_window() -> None:
    """300 at once, then 300 again a window afterwards, to the second."""
    limits = PermitCounts(300, 300)
    window = RateWindow(61.0).add(300, 1061.0, background=False)
    assert window.available(limits, background=False) == 0
    assert window.seconds_until(300, limits, 1000.0, background=False) == 61.0


def test_a_count_above_the_limit_is_never_available() -> None:
    """With a limit of 0, or of less than is wanted, the wait is infinite."""
    assert math.isinf(RateWindow(60.0).seconds_until(1, PermitCounts(0, 0), 0.0, background=False))
    assert math.isinf(RateWindow(60.0).seconds_until(1, PermitCounts(9, 0), 0.0, background=True))


def test_a_permit_dated_by_a_wrong_clock_does_not_block_forever() -> None:
    """Buckets further in the future than two windows are left out."""
    window = RateWindow(60.0, buckets=(TimeBucket(10_000.0, 300, 0),))
    assert window.at(1000.0).buckets == ()


def test_many_permits_at_different_times_are_few_buckets() -> None:
    """A thousand permits one by one stay so small that a write costs two units; none leaves earlier, or much later."""
    window = RateWindow(61.0)
    for number in range(1000):
        window = window.add(1, NOW + number * 0.06, background=number % 2 == 0)
    assert (window.used().total, window.used().background) == (1000, 500)
    assert len(window.buckets) == 90
    for number in range(0, 1000, 10):
        left = 1000 - window.at(NOW + number * 0.06).used().total
        assert number - 60 <= left <= number + 1


def test_a_permit_that_is_answered_late_stays_until_a_window_after_its_answer() -> None:
    """Only its own kind is moved, one of those that leave with it; the numbers stay right."""
    window = RateWindow(61.0).add(2, 1061.0, background=False).add(1, 1061.5, background=True)
    late = LatePermit(Permit(1061.0, 0.0, background=True), 1070.0)
    moved = window.move([late], 1010.0)
    assert [(b.leaves, b.total, b.background) for b in moved.buckets] == [(1061.0, 2, 0), (1070.0, 1, 1)]
    assert moved.late == (late,)
    assert moved.at(1065.0).used() == PermitCounts(1, 1)


def test_a_late_permit_that_has_left_comes_back() -> None:
    """Others are not taken for it, whatever time they leave at."""
    window = RateWindow(61.0).add(3, 1100.0, background=False)
    moved = window.move([LatePermit(Permit(1061.0, 0.0), 1130.0)], 1062.0)
    assert [(b.leaves, b.total) for b in moved.buckets] == [(1100.0, 3), (1130.0, 1)]


def test_a_late_permit_that_stays_as_long_in_any_case_is_not_moved() -> None:
    """A bucket that it was gathered into may leave later than it has to."""
    window = RateWindow(61.0).add(2, 1080.0, background=False)
    assert window.move([LatePermit(Permit(1061.0, 0.0), 1075.0)], 1010.0).buckets == window.buckets


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 0.4), st.booleans(), st.floats(0, 30)), min_size=95, max_size=130))
def test_no_permit_leaves_early_however_many_are_moved_and_gathered(
    steps: list[tuple[float, bool, float]],
) -> None:
    """At any time at least so many permits of each kind are in the window as have to be."""
    window, now = RateWindow(61.0), NOW
    needed: list[tuple[float, bool]] = []
    for pause, background, lateness in steps:
        now += pause
        permit = Permit(now + 61.0, 2.0, background)
        window = window.add(1, permit.leaves, background=background)
        if lateness > 1:
            window = window.move([LatePermit(permit, now + 60.0 + lateness)], now + lateness)
        needed.append((now + 60.0 + max(lateness, 1.0), background))
    for until, _ in needed:
        used = window.at(until - 1e-3).used()
        held = [background for leaves, background in needed if leaves >= until]
        assert used.total >= len(held)
        assert used.background >= sum(held)


@given(
    st.floats(-1e6, 1e6),
    st.lists(st.tuples(st.floats(0.001, 5), st.floats(0, 0.2), st.floats(0, 0.2)), min_size=1, max_size=30),
)
def test_a_servers_clock_is_bounded(offset: float, responses: list[tuple[float, float, float]]) -> None:
    """However far off the local clock is, Dates of whole seconds give bounds, a second or so apart."""
    clock, local = ServerClock(), 5000.0
    assert clock.bounds(local) is None
    for pause, there, back in responses:
        sent = local + pause
        stamped = sent + there
        local = stamped + back
        clock.observe(math.floor(stamped + offset), sent=sent, received=local)
        known = clock.bounds(local)
        assert known is not None
        assert known[0] - 1e-3 <= local + offset <= known[1] + 1e-3
        assert known[1] - known[0] <= 1 + there + back + 1e-3


@given(st.floats(-0.001, 0.001), st.integers(0, 2**32))
def test_the_bounds_of_a_clock_that_drifts_are_milliseconds_apart(drift: float, seed: int) -> None:
    """Five responses a second, for ten minutes, by a clock that gains or loses: always within, and narrow."""
    clock, random, local = ServerClock(), Random(seed), 0.0
    widths = []
    for _ in range(3000):
        local += random.uniform(0.01, 0.39)
        time = 1e9 + local * (1 + drift)
        clock.observe(math.floor(time), sent=local - 0.004, received=local)
        low, high = clock.bounds(local) or (0.0, 0.0)
        assert low - 1e-3 <= time <= high + 1e-3
        widths.append(high - low)
    assert sorted(widths)[1500] < 0.1


def test_the_bounds_follow_a_jump_of_the_clock() -> None:
    """When this machine slept for an hour, the next response corrects the bounds at once."""
    clock = ServerClock()
    for second in range(10):
        clock.observe(1000 + second, sent=second + 0.4, received=second + 0.5)
    clock.observe(4610, sent=10.0, received=10.1)
    assert clock.bounds(10.1) == pytest.approx((4610, 4611.1))
