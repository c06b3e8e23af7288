"""Requests that Genesys counts late: a permit is held for a window from its answer, by all workers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from heapq import heappop, heappush
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.genesys import MemoryWindowStore, RateLimiter, RateLimiterUnavailable, SharedWindow, Throttled
from tasks.genesys.rate_limit.store import StoreReply
from tasks.genesys.rate_limit.window import Permit, RateWindow
from tests.support.rate_limit import (
    MARGIN,
    WINDOW,
    FakeClock,
    FakeTable,
    FormerWorker,
    ServerStore,
    World,
    limiter_of,
)
from tests.support.stack import eventually


class CountingStore(MemoryWindowStore):
    """A store that counts its writes, and can be down."""

    writes = 0
    down = False

    def compare_and_set(self, window: RateWindow) -> StoreReply:
        """Count it; raise while the store is down."""
        if self.down:
            raise RateLimiterUnavailable("down")
        self.writes += 1
        return super().compare_and_set(window)


@pytest.mark.parametrize(("took", "free_at"), [(0.9, 61.0), (1.5, 61.5), (10.0, 70.0), (37.0, 97.0)])
def test_a_permit_is_held_for_a_minute_from_its_answer(took: float, free_at: float) -> None:
    """And for at least a minute and the margin from its grant."""
    clock = FakeClock()
    limiter = limiter_of(1, clock)
    permit = limiter.acquire()
    clock.sleep(took)
    limiter.answered(permit)
    limiter.acquire()
    assert clock.world.seconds == pytest.approx(free_at, abs=0.01)


def test_an_answer_within_the_margin_costs_no_write() -> None:
    """A later one costs one."""
    clock, store = FakeClock(), CountingStore()
    limiter = limiter_of(9, clock, store)
    early, late = limiter.acquire(), limiter.acquire()
    clock.sleep(0.9)
    limiter.answered(early)
    assert store.writes == 2
    clock.sleep(0.2)
    limiter.answered(late)
    assert store.writes == 3


def test_every_worker_sees_a_late_answer() -> None:
    """Whatever the others' clocks say."""
    world = World()
    store = ServerStore(world)
    one = limiter_of(1, FakeClock(world), store)
    other = limiter_of(1, FakeClock(world, 3600.0), store, max_wait=0)
    permit = one.acquire()
    world.seconds = 20
    one.answered(permit)
    world.seconds = 79
    with pytest.raises(Throttled):
        other.acquire()
    world.seconds = 83
    other.acquire()


def test_late_background_work_stays_background_work() -> None:
    """Its permit is moved within its own part of the limit, live work's within the rest."""
    clock = FakeClock()
    live = limiter_of(5, clock)
    background = live.background(lambda: 2)
    permits = [background.acquire(), live.acquire()]
    clock.sleep(30)
    background.answered(permits[0])
    live.answered(permits[1])
    clock.sleep(40)
    usage = background.usage()
    assert (usage.used, usage.background_used) == (2, 1)


def test_a_late_answer_that_cannot_be_written_is_held_by_this_process_and_written_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The request has succeeded, so nothing is raised; the next write tells the others."""
    world, store = World(), CountingStore()
    one, other = (limiter_of(2, FakeClock(world), store, max_wait=0) for _ in range(2))
    permit = one.acquire()
    world.seconds = 30
    store.down = True
    one.answered(permit)
    assert "down" in caplog.text
    store.down = False
    world.seconds = 60
    one.acquire()
    assert store.writes == 2
    world.seconds = 89
    for limiter in (one, other):
        with pytest.raises(Throttled):
            limiter.acquire()
    world.seconds = 91
    other.acquire()


def test_answers_that_are_late_together_share_a_write() -> None:
    """Ten threads: the first writes, and all that came meanwhile are in the next write."""

    class SlowStore(CountingStore):
        slow = False
        goes_on = threading.Event()

        def compare_and_set(self, window: RateWindow) -> StoreReply:
            assert not self.slow or self.goes_on.wait(180)
            return super().compare_and_set(window)

    clock, store = FakeClock(), SlowStore()
    shared = SharedWindow(store, WINDOW, MARGIN, clock)
    limiter = RateLimiter(shared, lambda: 20)
    permits = [limiter.acquire() for _ in range(10)]
    clock.sleep(5)
    store.slow = True
    with ThreadPoolExecutor(10) as threads:
        answers = [threads.submit(limiter.answered, permit) for permit in permits]
        eventually(lambda: len(shared._late) == 10)  # noqa: SLF001 - all of them wait
        store.goes_on.set()
        for answer in answers:
            answer.result(180)
    assert store.writes <= 12
    clock.sleep(59)
    assert limiter.usage().used == 10


Step = tuple[float, int, float, float]
latencies = st.one_of(st.floats(0, 1), st.floats(0, 37))
steps = st.lists(
    st.tuples(st.floats(0, 9), st.integers(0, 9), latencies, st.floats(0, 1)), min_size=20, max_size=80
)


def counted_moments(
    workers: list[RateLimiter | FormerWorker], world: World, steps: list[Step]
) -> list[float]:
    """Return when Genesys counted each request: at some moment between its permit and its answer.

    A step is a pause, the worker that asks for a permit, the seconds until its answer, and the share of them after
    which its request was counted.
    """
    counted: list[float] = []
    flying: list[tuple[float, int, RateLimiter | FormerWorker, Permit]] = []
    for pause, number, seconds, share in steps:
        asks_at, worker = world.seconds + pause, workers[number % len(workers)]
        while flying and flying[0][0] <= asks_at:
            world.seconds, _, owner, permit = heappop(flying)
            owner.answered(permit)
        world.seconds = asks_at
        try:
            permit = worker.acquire()
        except Throttled:
            continue
        took = min(seconds, 7.0) if isinstance(worker, FormerWorker) else seconds
        counted.append(world.seconds + took * share)
        heappush(flying, (world.seconds + took, len(counted), worker, permit))
    return sorted(counted)


@given(st.lists(st.floats(-3600, 3600), min_size=1, max_size=4), st.integers(1, 6), steps)
def test_no_minute_at_genesys_has_more_requests_than_the_limit(
    offs: list[float], limit: int, steps: list[Step]
) -> None:
    """Whatever the workers' clocks, and whenever between permit and answer Genesys counts."""
    world = World()
    table = FakeTable(world)
    counted = counted_moments([table.limiter(limit, off) for off in offs], world, steps)
    assert all(
        later - earlier >= WINDOW - 1e-3 for earlier, later in zip(counted, counted[limit:], strict=False)
    )


@given(st.integers(1, 6), steps)
def test_workers_of_a_former_release_share_the_window(limit: int, steps: list[Step]) -> None:
    """While both run, in an upgrade: those hold a permit for 68 s, and send what they send within 7."""
    world = World()
    table = FakeTable(world)
    workers: list[RateLimiter | FormerWorker] = [table.limiter(limit, off) for off in (0.0, 60.0)]
    workers.insert(1, FormerWorker(table, limit))
    counted = counted_moments(workers, world, steps)
    assert all(
        later - earlier >= WINDOW - 1e-3 for earlier, later in zip(counted, counted[limit:], strict=False)
    )


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_whole_limit_but_three_hundredths_is_used(workers: int) -> None:
    """Requests that are answered within the margin, as many as are permitted: 291 a minute, and not above 300.

    They come one by one, so that each leaves the window at a time of its own, and the item stays small.
    """
    world = World()
    table = FakeTable(world)
    limiters = [table.limiter(300, 60.0 * number, max_wait=90.0) for number in range(workers)]
    sent: list[float] = []
    for number in range(6 * 300):
        limiters[number % workers].acquire()
        sent.append(world.seconds)
        world.seconds += 0.15 if number < 300 else 0.01
    spans = [later - earlier for earlier, later in zip(sent, sent[300:], strict=False)]
    assert min(spans) >= WINDOW - 1e-3
    assert 300 * 60 / (sum(spans) / len(spans)) >= 291
    assert all(earlier <= later for earlier, later in pairwise(sent))
    assert table.bytes() <= 2048
