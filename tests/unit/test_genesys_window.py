"""The arithmetic of the request budget, and the clock that it is counted by."""

from __future__ import annotations

import math
from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from tasks.genesys.servertime import ServerTime
from tasks.genesys.window import Limits, Slot, Window

steps = st.lists(st.tuples(st.floats(0, 12), st.integers(1, 9), st.booleans()), min_size=1, max_size=60)


@given(steps)
def test_no_stretch_of_time_holds_more_than_the_limit(steps: list[tuple[float, int, bool]]) -> None:
    """Whatever is asked for and when: never more than the limits within a window that starts anywhere."""
    limits, length = Limits(10, 3), 60.0
    window, now = Window(length), 1_795_000_000.0
    grants: list[tuple[float, bool]] = []
    for pause, wanted, background in steps:
        now += pause
        window = window.at(now)
        count = min(wanted, window.free(limits, background=background))
        window = window.take(count, now, background=background)
        grants += [(now, background)] * count
    for most, moments in (
        (limits.total, [moment for moment, _ in grants]),
        (limits.background, [moment for moment, background in grants if background]),
    ):
        for first, moment in enumerate(moments):
            assert bisect_left(moments, moment + length) - first <= most


@given(steps, st.integers(1, 10))
def test_the_wait_is_as_long_as_it_must_be(steps: list[tuple[float, int, bool]], count: int) -> None:
    """After the wait so many are free; a slot earlier they were not."""
    limits = Limits(10, 10)
    window, now = Window(60.0), 1_795_000_000.0
    for pause, wanted, _ in steps:
        now += pause
        window = window.at(now)
        window = window.take(min(wanted, window.free(limits, background=False)), now, background=False)
    wait = window.wait(count, limits, now, background=False)
    assert window.at(now + wait + 1e-3).free(limits, background=False) >= count
    if wait:
        assert window.at(now + wait - 0.7).free(limits, background=False) < count


def test_all_of_the_allowance_can_be_used_again_after_one_window() -> None:
    """300 at once, then 300 again no later than a window and one slot afterwards."""
    limits = Limits(300, 300)
    window = Window(65.0).take(300, 1000.0, background=False)
    assert window.free(limits, background=False) == 0
    assert window.wait(300, limits, 1000.0, background=False) <= 65.0 * 1.01


def test_what_is_never_allowed_is_never_waited_for() -> None:
    """A limit of nothing, or of less than is wanted, has no end."""
    assert math.isinf(Window(60.0).wait(1, Limits(0, 0), 0.0, background=False))
    assert math.isinf(Window(60.0).wait(1, Limits(9, 0), 0.0, background=True))


def test_a_grant_from_a_wrong_clock_does_not_block_for_ever() -> None:
    """Slots further in the future than a window are not believed."""
    window = Window(60.0, slots=(Slot(10_000.0, 300, 0),))
    assert window.at(1000.0).slots == ()


@given(
    st.floats(-1e6, 1e6),
    st.lists(st.tuples(st.floats(0.001, 5), st.floats(0, 0.2), st.floats(0, 0.2)), min_size=1, max_size=30),
)
def test_a_servers_clock_is_known_within_half_a_second(
    offset: float, answers: list[tuple[float, float, float]]
) -> None:
    """However far off the local clock is, Dates of whole seconds give the time to half a second or so."""
    time, local = ServerTime(), 5000.0
    assert time.at(local) is None
    for pause, there, back in answers:
        sent = local + pause
        stamped = sent + there
        local = stamped + back
        time.observe(math.floor(stamped + offset), sent=sent, received=local)
        estimate = time.at(local)
        assert estimate is not None
        assert abs(estimate - (local + offset)) <= 0.5 + (there + back) / 2 + 1e-3


def test_the_servers_clock_is_learned_again_after_a_jump() -> None:
    """When this machine slept for an hour, the next answer corrects the clock at once."""
    time = ServerTime()
    for second in range(10):
        time.observe(1000 + second, sent=second + 0.4, received=second + 0.5)
    time.observe(4610, sent=10.0, received=10.1)
    estimate = time.at(10.1)
    assert estimate is not None
    assert abs(estimate - 4610.5) < 0.6
