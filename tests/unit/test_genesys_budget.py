"""The request budget's behaviour: who gets a turn, when, and who is told to come back later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tasks.genesys import BudgetUnavailable, Clock, MemoryLedger, SharedBudget, Tally, Throttled
from tasks.genesys.ledger import Reply
from tasks.genesys.window import Window

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class World:
    """One true time for everybody in a test."""

    def __init__(self) -> None:
        self.seconds = 0.0


class FakeClock(Clock):
    """A worker's clock: it may be off, and sleeping moves the world's time instead of waiting for it."""

    def __init__(self, world: World | None = None, off: float = 0.0) -> None:
        self.world = world or World()
        self.off = off
        self.slept = 0.0

    def monotonic(self) -> float:
        """Return an arbitrary count of seconds, another one for each worker."""
        return 1000.0 + self.off * 7 + self.world.seconds

    def now(self) -> datetime:
        """Return the time of day as this worker believes it."""
        return START + timedelta(seconds=self.world.seconds + self.off)

    def sleep(self, seconds: float) -> None:
        """Let the world's time pass."""
        self.slept += seconds
        self.world.seconds += seconds


class ServedLedger(MemoryLedger):
    """A ledger behind a server: its answers carry a Date of whole seconds, and may take their time."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.delays: list[float] = []

    def load(self, length: float) -> Reply:
        """Answer as the memory does, with a Date."""
        return self._dated(super().load(length))

    def store(self, window: Window) -> Reply:
        """Answer as the memory does, with a Date, late if told so."""
        reply = self._dated(super().store(window))
        if self.delays:
            self.world.seconds += self.delays.pop(0)
        return reply

    def _dated(self, reply: Reply) -> Reply:
        return replace(reply, date=float(int(START.timestamp() + self.world.seconds)))


def budget(
    limit: Callable[[], int] | int,
    clock: FakeClock | None = None,
    ledger: MemoryLedger | None = None,
    max_wait: float = 90.0,
) -> SharedBudget:
    """Return a budget with a window of 60 s and a margin of 5 s."""
    allowance = limit if callable(limit) else lambda: limit
    return SharedBudget(
        Tally(ledger or MemoryLedger(), 65.0, clock or FakeClock()), allowance, max_wait=max_wait
    )


def test_the_allowance_goes_at_once_and_the_next_waits_for_the_window() -> None:
    """300 turns without a wait; the 301st comes as soon as the first have left the window."""
    clock = FakeClock()
    requests = budget(300, clock)
    for _ in range(300):
        requests.acquire()
    assert clock.slept == 0
    requests.acquire()
    assert 65 <= clock.slept <= 65 * 1.02


def test_a_turn_that_is_too_far_away_is_refused_without_waiting() -> None:
    """Beyond the longest wait the caller is told at once when to come back."""
    clock = FakeClock()
    requests = budget(1, clock, max_wait=30)
    requests.acquire()
    with pytest.raises(Throttled) as caught:
        requests.acquire()
    assert clock.slept == 0
    assert 65 <= caught.value.retry_after <= 66


def test_an_allowance_of_nothing_stops_everything() -> None:
    """Setting the limit to 0 in the UI is a way to pause: callers are told to come back after a window."""
    with pytest.raises(Throttled) as caught:
        budget(0).acquire()
    assert caught.value.retry_after == 65


def test_a_limit_that_is_raised_helps_those_who_wait() -> None:
    """The limit is asked again while waiting, so a change in the UI takes effect within seconds."""
    clock = FakeClock()
    requests = budget(lambda: 1 if clock.world.seconds < 5 else 2, clock)
    requests.acquire()
    requests.acquire()
    assert 5 <= clock.slept <= 10


def test_background_work_has_a_share_and_counts_in_the_whole() -> None:
    """Background takes no more than its share, live work gets all the rest, and never more than that."""
    live = budget(8, max_wait=0)
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
    assert (usage.used, usage.allowance, usage.background_used) == (8, 8, 2)
    assert (background.usage().background_allowance, usage.seconds) == (2, 65)


def test_background_work_waits_when_live_work_took_everything() -> None:
    """A free share is worth nothing in a full window."""
    live = budget(3, max_wait=0)
    for _ in range(3):
        live.acquire()
    with pytest.raises(Throttled):
        live.background(lambda: 2).acquire()


def test_genesys_may_allow_less_and_every_worker_learns_it() -> None:
    """The lesser of limit and inin-ratelimit-allowed counts, also for workers that never saw the header."""
    ledger, world = MemoryLedger(), World()
    one, other = (budget(300, FakeClock(world), ledger, max_wait=0) for _ in range(2))
    one.observe({"inin-ratelimit-allowed": "5", "inin-ratelimit-count": "1", "inin-ratelimit-reset": "50"})
    one.acquire()
    for _ in range(4):
        other.acquire()
    with pytest.raises(Throttled):
        other.acquire()
    assert other.usage().allowance == 5


def test_genesys_word_on_the_allowance_grows_old() -> None:
    """After some minutes without another header the limit alone counts again."""
    clock = FakeClock()
    requests = budget(300, clock)
    requests.observe({"inin-ratelimit-allowed": "5"})
    requests.acquire()
    assert requests.usage().allowance == 5
    clock.sleep(301)
    assert requests.usage().allowance == 300


def test_a_header_cannot_raise_the_limit() -> None:
    """The limit that a person set stays the most."""
    requests = budget(10)
    requests.observe({"inin-ratelimit-allowed": "3000"})
    requests.acquire()
    assert requests.usage().allowance == 10


def test_a_token_that_others_used_up_rests_until_its_reset() -> None:
    """When Genesys counts as many requests as it allows, no turn is given before the reset it names."""
    clock = FakeClock()
    requests = budget(300, clock)
    requests.observe(
        {"inin-ratelimit-allowed": "300", "inin-ratelimit-count": "300", "inin-ratelimit-reset": "17"}
    )
    requests.acquire()
    assert 17 <= clock.slept <= 18


@pytest.mark.parametrize("nonsense", ["", "0", "-1", "many", "1e9", "9" * 9999, "३"])
def test_headers_of_nonsense_change_nothing(nonsense: str) -> None:
    """Only a positive whole number of a sane size is believed."""
    requests = budget(10)
    requests.observe(
        {
            "inin-ratelimit-allowed": nonsense,
            "inin-ratelimit-count": nonsense,
            "inin-ratelimit-reset": nonsense,
        }
    )
    requests.acquire()
    assert requests.usage().allowance == 10


@pytest.mark.parametrize("off", [-60.0, 60.0, 3600.0])
def test_workers_with_wrong_clocks_keep_one_budget(off: float) -> None:
    """Two workers with clocks far apart never exceed the allowance in any 60 s, and use most of it."""
    world = World()
    ledger = ServedLedger(world)
    workers = [budget(10, FakeClock(world, 0.0), ledger), budget(10, FakeClock(world, off), ledger)]
    sent: list[float] = []
    for turn in range(100):
        workers[turn % 2].acquire()
        sent.append(world.seconds)
    assert max(sum(first <= at < first + 60 for at in sent) for first in sent) == 10
    assert len(sent) / sent[-1] >= 0.8 * 10 / 60


def test_a_grant_that_took_too_long_to_write_is_not_used() -> None:
    """A turn is good for two seconds: one that is older when its write is answered is left for another."""
    world = World()
    ledger = ServedLedger(world)
    requests = budget(10, FakeClock(world), ledger)
    requests.acquire()
    ledger.delays = [30.0]
    requests.acquire()
    assert requests.usage().used == 3


def test_a_slow_limit_costs_no_turn() -> None:
    """Asking Prefect may take its time: the turn is counted when it is given, not before the question."""
    world = World()
    ledger = ServedLedger(world)

    def slow() -> int:
        world.seconds += 12
        return 10

    requests = budget(slow, FakeClock(world), ledger)
    for _ in range(3):
        assert requests.acquire() == 2
    assert ledger.load(65).window.used().total == 3


def test_a_ledger_that_is_slow_to_write_is_an_error_and_not_emptied() -> None:
    """Turns that are written too late are lost: after two of them the run had better wait."""
    world = World()
    ledger = ServedLedger(world)
    requests = budget(10, FakeClock(world), ledger)
    requests.acquire()
    ledger.delays = [2.5] * 10
    with pytest.raises(BudgetUnavailable, match="takes more than 2 s to write"):
        requests.acquire()
    assert ledger.load(65).window.used().total == 3


def test_a_share_keeps_its_proportion_when_genesys_allows_less() -> None:
    """A quarter of what a person set is a quarter of what Genesys leaves of it."""
    background = budget(300, max_wait=0).background(lambda: 75)
    background.observe({"inin-ratelimit-allowed": "60"})
    usage = background.usage()
    assert (usage.allowance, usage.background_allowance) == (60, 15)


def test_without_its_ledger_nothing_may_be_sent() -> None:
    """A counter that cannot be reached is an error, not a licence; the next call works again."""

    class DownLedger(MemoryLedger):
        down = True

        def load(self, length: float) -> Reply:
            if self.down:
                raise BudgetUnavailable("down")
            return super().load(length)

    ledger = DownLedger()
    requests = budget(10, ledger=ledger)
    with pytest.raises(BudgetUnavailable):
        requests.acquire()
    ledger.down = False
    requests.acquire()
    assert requests.usage().used == 1


def test_a_limit_that_cannot_be_read_is_an_error_for_the_caller() -> None:
    """A limit that is missing is never 'unlimited': what the allowance raises comes out of acquire."""

    def missing() -> int:
        raise LookupError("no limit genesys-requests")

    with pytest.raises(LookupError, match="genesys-requests"):
        budget(missing).acquire()


def test_many_threads_are_served_by_few_writes() -> None:
    """Threads that wait at the same time share a write; each gets one turn, and the count is exact."""

    class SlowLedger(MemoryLedger):
        stores = 0

        def store(self, window: Window) -> Reply:
            self.stores += 1
            threading.Event().wait(0.05)
            return super().store(window)

    ledger = SlowLedger()
    requests = SharedBudget(Tally(ledger, 65.0), lambda: 60, max_wait=0)
    outcomes: list[str] = []

    def work() -> None:
        try:
            requests.acquire()
            outcomes.append("granted")
        except Throttled:
            outcomes.append("throttled")

    threads = [threading.Thread(target=work) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["granted"] * 60 + ["throttled"] * 40
    assert requests.usage().used == 60
    assert ledger.stores < 20
