"""Limits that are read from Prefect: cached, refreshed, and never waited for when Prefect is slow."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from tasks import concurrency as limits
from tasks.concurrency import LimitMissing, LimitReader, PrefectLimits
from tasks.errors import DependencyUnavailable
from tests.support.fake_prefect import FakePrefect

MOMENT = 0.2


class Clock:
    """In the place of `time`: it moves by hand."""

    now = 0.0

    def monotonic(self) -> float:
        """Return the seconds."""
        return self.now


class Prefect:
    """A fake Prefect that counts its reads and can be made to hang."""

    def __init__(self) -> None:
        self.reads = 0
        self.answer: Callable[[], int] = lambda: 300
        self.available = threading.Event()
        self.available.set()

    def __call__(self, _: str) -> int:
        """Answer once it is available."""
        self.reads += 1
        assert self.available.wait(180)
        return self.answer()


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Prefect:
    """Return a fake that answers at once, or as soon as a busy machine lets it."""
    monkeypatch.setattr(limits, "_REFRESH_TIMEOUT", 180.0)
    return Prefect()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock of the limits."""
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    return clock


def failing(error: Exception) -> Callable[[], int]:
    """Return an answer that raises."""

    def answer() -> int:
        raise error

    return answer


def test_a_value_is_cached_for_a_while_and_then_read_again(prefect: Prefect, clock: Clock) -> None:
    """A changed limit is seen when the cached value is too old."""
    known = PrefectLimits(10, prefect)
    assert [known.value("a"), known.value("a"), prefect.reads] == [300, 300, 1]
    prefect.answer = lambda: 7
    clock.now = 10.0
    assert [known.value("a"), prefect.reads] == [300, 1]
    clock.now = 10.1
    assert [known.value("a"), prefect.reads] == [7, 2]


def test_the_age_of_a_value_counts_from_its_arrival(prefect: Prefect, clock: Clock) -> None:
    """A read that takes longer than the cache time is not too old at once."""
    known = PrefectLimits(10, prefect)

    def slow() -> int:
        clock.now += 60
        return 300

    prefect.answer = slow
    assert [known.value("a"), known.value("a"), prefect.reads] == [300, 300, 1]


def test_no_caller_waits_for_a_prefect_that_hangs(
    prefect: Prefect, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cached value is used while one read is pending; only its first moment is waited for."""
    known = PrefectLimits(0.0, prefect)
    known.value("a")
    clock.now += 1
    prefect.available.clear()
    monkeypatch.setattr(limits, "_REFRESH_TIMEOUT", MOMENT)
    assert known.value("a") == 300
    hour = 3600  # whoever waits now waits for longer than this test may last
    monkeypatch.setattr(limits, "_REFRESH_TIMEOUT", hour)
    clock.now += hour
    assert [known.value("a") for _ in range(20)] == [300] * 20
    assert prefect.reads == 2
    prefect.answer = lambda: 7
    clock.now -= hour
    prefect.available.set()
    assert known.value("a") == 7


def test_an_error_of_prefect_leaves_the_cached_value(prefect: Prefect) -> None:
    """Without an answer the cached value is used; without a cached value it is DependencyUnavailable."""
    known = PrefectLimits(-1.0, prefect)
    known.value("a")
    prefect.answer = failing(OSError("no route"))
    assert known.value("a") == 300
    with pytest.raises(DependencyUnavailable, match="cannot be read"):
        PrefectLimits(0.0, prefect).value("a")


def test_a_missing_limit_is_an_error(prefect: Prefect) -> None:
    """It is neither unlimited nor the cached value; once it exists it is used again."""
    known = PrefectLimits(-1.0, prefect)
    known.value("a")
    prefect.answer = failing(LimitMissing("a"))
    for _ in range(2):
        with pytest.raises(LimitMissing, match="'a' is missing or inactive"):
            known.value("a")
    prefect.answer = lambda: 5
    assert known.value("a") == 5


def test_many_threads_share_one_read(prefect: Prefect) -> None:
    """Threads that ask during a read get its answer."""
    known = PrefectLimits(3600, prefect)
    prefect.available.clear()
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(known.value("a"))) for _ in range(20)]
    for thread in threads:
        thread.start()
    prefect.available.set()
    for thread in threads:
        thread.join(180)
    assert (found, prefect.reads) == ([300] * 20, 1)


def test_reads_share_one_connection() -> None:
    """A client for each read would make a connection, and a TLS context, for each."""
    with FakePrefect(request_limit=7).serving() as server, temporary_settings({PREFECT_API_URL: server.url}):
        reader = LimitReader()
        assert [reader.read("a") for _ in range(3)] == [7, 7, 7]
        assert server.connections == 1


def test_a_connection_that_the_server_has_closed_is_made_anew() -> None:
    """A server closes what is idle, and everything when it is restarted."""
    with (
        FakePrefect(closes_idle=True).serving() as server,
        temporary_settings({PREFECT_API_URL: server.url}),
    ):
        reader = LimitReader()
        assert [reader.read("a") for _ in range(3)] == [300, 300, 300]
        assert server.connections == 3
