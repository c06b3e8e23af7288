"""Limits from Prefect: shown and changed there, and no request to Genesys waits for a Prefect that is slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from tasks import limits
from tasks.errors import NotReady
from tasks.limits import LimitMissing, PrefectLimits

MOMENT = 0.2


class Prefect:
    """Answers as told, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Callable[[], int] = lambda: 300
        self.well = threading.Event()
        self.well.set()

    def __call__(self, _: str) -> int:
        """Answer, once it is well."""
        self.asked += 1
        self.well.wait(10)
        return self.answer()


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Prefect:
    """A Prefect that answers at once."""
    monkeypatch.setattr(limits, "_MOMENT", MOMENT)
    return Prefect()


def failing(error: Exception) -> Callable[[], int]:
    """An answer that is an error."""

    def answer() -> int:
        raise error

    return answer


def test_a_value_is_kept_for_a_while_and_then_read_anew(prefect: Prefect) -> None:
    """A change shows when the value known is too old."""
    known = PrefectLimits(0.1, prefect)
    assert [known.value("a"), known.value("a"), prefect.asked] == [300, 300, 1]
    prefect.answer = lambda: 7
    time.sleep(0.15)
    assert [known.value("a"), prefect.asked] == [7, 2]


def test_a_value_is_dated_when_it_arrives(prefect: Prefect) -> None:
    """An answer that took longer than it may be kept is not out of date at once."""
    known = PrefectLimits(0.3, prefect)
    prefect.well.clear()
    threading.Timer(0.5, prefect.well.set).start()
    assert [known.value("a"), known.value("a"), prefect.asked] == [300, 300, 1]


def test_nobody_waits_for_a_prefect_that_hangs(prefect: Prefect) -> None:
    """The last known value holds; one question is under way, and only its beginning is waited for."""
    known = PrefectLimits(0.0, prefect)
    known.value("a")
    prefect.well.clear()
    began = time.monotonic()
    assert [known.value("a") for _ in range(20)] == [300] * 20
    assert MOMENT / 2 < time.monotonic() - began < 5 * MOMENT
    assert prefect.asked == 2
    prefect.answer = lambda: 7
    prefect.well.set()
    deadline = time.monotonic() + 5
    while known.value("a") != 7:
        assert time.monotonic() < deadline


def test_an_error_of_prefects_leaves_what_is_known(prefect: Prefect) -> None:
    """While Prefect does not answer, the last value holds; without one there is nothing to go by."""
    known = PrefectLimits(0.0, prefect)
    known.value("a")
    prefect.answer = failing(OSError("no route"))
    assert known.value("a") == 300
    with pytest.raises(NotReady, match="cannot be read"):
        PrefectLimits(0.0, prefect).value("a")


def test_a_limit_that_is_missing_is_never_unlimited(prefect: Prefect) -> None:
    """Nor is it the value that was known before; and it counts again once it is there."""
    known = PrefectLimits(0.0, prefect)
    known.value("a")
    prefect.answer = failing(LimitMissing("a"))
    for _ in range(2):
        with pytest.raises(LimitMissing, match="'a' is missing or inactive"):
            known.value("a")
    prefect.answer = lambda: 5
    assert known.value("a") == 5


def test_many_threads_are_one_question(prefect: Prefect) -> None:
    """Whoever comes while it is being asked gets the same answer."""
    known = PrefectLimits(10, prefect)
    prefect.well.clear()
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(known.value("a"))) for _ in range(20)]
    for thread in threads:
        thread.start()
    prefect.well.set()
    for thread in threads:
        thread.join(5)
    assert (found, prefect.asked) == ([300] * 20, 1)
