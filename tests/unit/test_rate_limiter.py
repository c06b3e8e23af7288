"""The rate limiter: which thread gets a permit, when, and which is refused."""

from __future__ import annotations

import threading

import pytest

from tasks.genesys import (
    MemoryWindowStore,
    RateLimiter,
    RateLimiterUnavailable,
    SharedWindow,
    Throttled,
)
from tasks.genesys.rate_limit.store import StoreReply
from tasks.genesys.rate_limit.window import RateWindow
from tests.support.rate_limit import FakeClock, ServerStore, World, limiter_of
from tests.support.stack import eventually


def test_permits_up_to_the_limit_are_immediate_and_the_next_waits_for_the_window() -> None:
    """300 permits without a wait; the 301st comes as soon as the first have left the window."""
    clock = FakeClock()
    limiter = limiter_of(300, clock)
    for _ in range(300):
        limiter.acquire()
    assert clock.slept == 0
    limiter.acquire()
    assert clock.slept == pytest.approx(61, abs=0.01)


def test_a_wait_above_the_maximum_is_refused_at_once() -> None:
    """Beyond the longest wait the caller gets the seconds to wait without waiting."""
    clock = FakeClock()
    limiter = limiter_of(1, clock, max_wait=30)
    limiter.acquire()
    with pytest.raises(Throttled) as caught:
        limiter.acquire()
    assert clock.slept == 0
    assert caught.value.retry_after == pytest.approx(61)


def test_a_limit_of_zero_stops_all_requests() -> None:
    """Setting the limit to 0 in the UI pauses: callers are asked to wait for one window."""
    with pytest.raises(Throttled) as caught:
        limiter_of(0).acquire()
    assert caught.value.retry_after == pytest.approx(61)


def test_a_raised_limit_serves_threads_that_already_wait() -> None:
    """The limit is read again while waiting, so a change in the UI takes effect within seconds."""
    clock = FakeClock()
    limiter = limiter_of(lambda: 1 if clock.world.seconds < 5 else 2, clock)
    limiter.acquire()
    limiter.acquire()
    assert 5 <= clock.slept <= 10


def test_background_work_has_its_own_limit_and_counts_in_the_whole() -> None:
    """Background takes no more than its limit, live work all the rest, and both never more than the whole."""
    live = limiter_of(8, max_wait=0)
    background = live.background(lambda: 2)
    background.acquire()
    background.acquire()
    with pytest.raises(Throttled):
        background.acquire()
    for _ in range(6):
        live.acquire()
    with pytest.raises(Throttled):
        live.acquire()
    usage = live.usage()
    assert (usage.used, usage.limit, usage.background_used) == (8, 8, 2)
    assert (background.usage().background_limit, usage.seconds) == (2, 61)


def test_background_work_waits_when_live_work_used_the_whole_limit() -> None:
    """The background limit reserves nothing: in a full window it gives no permit."""
    live = limiter_of(3, max_wait=0)
    for _ in range(3):
        live.acquire()
    with pytest.raises(Throttled):
        live.background(lambda: 2).acquire()


def test_a_lower_limit_of_genesys_reaches_every_worker() -> None:
    """The lesser of limit and inin-ratelimit-allowed counts, also for workers that never saw the header."""
    store, world = MemoryWindowStore(), World()
    one, other = (limiter_of(300, FakeClock(world), store, max_wait=0) for _ in range(2))
    one.observe({"inin-ratelimit-allowed": "5", "inin-ratelimit-count": "1", "inin-ratelimit-reset": "50"})
    one.acquire()
    for _ in range(4):
        other.acquire()
    with pytest.raises(Throttled):
        other.acquire()
    assert other.usage().limit == 5


def test_the_limit_of_a_header_expires() -> None:
    """After five minutes without another header the configured limit alone counts again."""
    clock = FakeClock()
    limiter = limiter_of(300, clock)
    limiter.observe({"inin-ratelimit-allowed": "5"})
    limiter.acquire()
    assert limiter.usage().limit == 5
    clock.sleep(301)
    assert limiter.usage().limit == 300


def test_a_header_cannot_raise_the_limit() -> None:
    """The configured limit stays the highest."""
    limiter = limiter_of(10)
    limiter.observe({"inin-ratelimit-allowed": "3000"})
    limiter.acquire()
    assert limiter.usage().limit == 10


def test_a_token_that_others_used_up_rests_until_its_reset() -> None:
    """When Genesys counts as many requests as it allows, no permit is granted before the reset it names."""
    clock = FakeClock()
    limiter = limiter_of(300, clock)
    limiter.observe(
        {"inin-ratelimit-allowed": "300", "inin-ratelimit-count": "300", "inin-ratelimit-reset": "17"}
    )
    limiter.acquire()
    assert 17 <= clock.slept <= 18


@pytest.mark.parametrize("value", ["", "0", "-1", "many", "1e9", "9" * 9999, "३"])
def test_invalid_headers_change_nothing(value: str) -> None:
    """Only a positive whole number of at most seven digits is used."""
    limiter = limiter_of(10)
    limiter.observe(
        {"inin-ratelimit-allowed": value, "inin-ratelimit-count": value, "inin-ratelimit-reset": value}
    )
    limiter.acquire()
    assert limiter.usage().limit == 10


@pytest.mark.parametrize("off", [-60.0, 60.0, 3600.0])
def test_workers_with_wrong_clocks_share_one_limit(off: float) -> None:
    """Two workers with clocks far apart never exceed the limit in any 60 s, and use most of it."""
    world = World()
    store = ServerStore(world)
    workers = [limiter_of(10, FakeClock(world, 0.0), store), limiter_of(10, FakeClock(world, off), store)]
    sent: list[float] = []
    for number in range(100):
        workers[number % 2].acquire()
        sent.append(world.seconds)
    assert max(sum(first <= at < first + 60 for at in sent) for first in sent) == 10
    assert len(sent) / sent[-1] >= 0.8 * 10 / 60


def test_a_permit_that_took_too_long_to_write_is_not_used() -> None:
    """A permit lives two seconds: one that is older when its write is answered is left unused."""
    world = World()
    store = ServerStore(world)
    limiter = limiter_of(10, FakeClock(world), store)
    limiter.acquire()
    store.delays = [30.0]
    limiter.acquire()
    assert limiter.usage().used == 3


def test_a_slow_limit_costs_no_permit() -> None:
    """Asking Prefect may take seconds: a permit counts from when it is granted, not from the question."""
    world = World()
    store = ServerStore(world)

    def slow() -> int:
        world.seconds += 12
        return 10

    limiter = limiter_of(slow, FakeClock(world), store)
    for _ in range(3):
        assert limiter.acquire().lifetime == 2
    assert store.load(61).window.used().total == 3


def test_a_store_that_is_slow_to_write_is_an_error_and_its_window_not_used_up() -> None:
    """Permits written too late are lost: after two of them the limiter is unavailable."""
    world = World()
    store = ServerStore(world)
    limiter = limiter_of(10, FakeClock(world), store)
    limiter.acquire()
    store.delays = [2.5] * 10
    with pytest.raises(RateLimiterUnavailable, match="takes more than 2 s to write"):
        limiter.acquire()
    assert store.load(61).window.used().total == 3


def test_the_background_limit_keeps_its_proportion_when_genesys_allows_less() -> None:
    """A quarter of the configured limit is a quarter of what Genesys leaves of it."""
    background = limiter_of(300, max_wait=0).background(lambda: 75)
    background.observe({"inin-ratelimit-allowed": "60"})
    usage = background.usage()
    assert (usage.limit, usage.background_limit) == (60, 15)


def test_without_its_store_no_request_is_permitted() -> None:
    """A store that cannot be reached is an error, not a permit; the next call works again."""

    class DownStore(MemoryWindowStore):
        down = True

        def load(self, length: float) -> StoreReply:
            if self.down:
                raise RateLimiterUnavailable("down")
            return super().load(length)

    store = DownStore()
    limiter = limiter_of(10, store=store)
    with pytest.raises(RateLimiterUnavailable):
        limiter.acquire()
    store.down = False
    limiter.acquire()
    assert limiter.usage().used == 1


def test_a_limit_that_cannot_be_read_is_an_error_for_the_caller() -> None:
    """A missing limit is never 'unlimited': what the limit raises comes out of acquire."""

    def missing() -> int:
        raise LookupError("no limit genesys-requests")

    with pytest.raises(LookupError, match="genesys-requests"):
        limiter_of(missing).acquire()


def test_many_threads_are_served_by_few_writes() -> None:
    """Threads that wait at the same time share a write; each gets one permit, and the count is exact."""

    class SlowStore(MemoryWindowStore):
        writes = 0
        goes_on = threading.Event()

        def compare_and_set(self, window: RateWindow) -> StoreReply:
            self.writes += 1
            assert self.goes_on.wait(180)
            return super().compare_and_set(window)

    store = SlowStore()
    limiter = RateLimiter(SharedWindow(store, 60.0, 1.0, FakeClock()), lambda: 60, max_wait=0)
    outcomes: list[str] = []

    def work() -> None:
        try:
            limiter.acquire()
            outcomes.append("granted")
        except Throttled:
            outcomes.append("throttled")

    threads = [threading.Thread(target=work) for _ in range(100)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(limiter._waiters._waiting) == len(threads))  # noqa: SLF001 - all of them wait
    store.goes_on.set()
    for thread in threads:
        thread.join(180)
    assert sorted(outcomes) == ["granted"] * 60 + ["throttled"] * 40
    assert limiter.usage().used == 60
    assert store.writes <= 2  # of those that had come before the first write, and of the rest
