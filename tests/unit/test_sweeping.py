"""A reconcile's way through pages that shift, and through more than Genesys gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flows.sweeping import Sweeper
from tasks.batch import Processed
from tasks.compare import Compared
from tasks.genesys import QueryPage
from tasks.intervals import Interval
from tasks.reconcile import Sweep, Tally

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = Interval(START, START + timedelta(days=1))
SIZE = 10


class Genesys:
    """Conversations by the hour in which they started; `leaving` are gone after the first page was given."""

    def __init__(self, hours: dict[str, float], leaving: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        self._hours = hours
        self._leaving = leaving
        self.asked: list[tuple[Interval, int]] = []

    async def ask(self, sweep: Sweep) -> Compared:
        """A page of what started in the interval."""
        self.asked.append((sweep.interval, sweep.page))
        found = [name for name in sorted(self._hours) if self._within(name, sweep.interval)]
        names = found[(sweep.page - 1) * SIZE : sweep.page * SIZE]
        page = QueryPage(tuple({"conversationId": n} for n in names), len(found), sweep.page, SIZE, START, 1)
        compared = Compared(page, Processed({}, frozenset()))
        compared.seen = set(names) - sweep.seen
        for name in self._leaving:
            self._hours.pop(name, None)
        return compared

    def _within(self, name: str, interval: Interval) -> bool:
        return interval.start <= START + timedelta(hours=self._hours[name]) < interval.end


class Kept:
    """Remembers what was handed on to be saved."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def __call__(self, compared: Compared, tally: Tally) -> None:
        """Take a page's conversations."""
        del tally
        self.names += compared.seen


async def swept(genesys: Genesys, depth: int = 1_000) -> tuple[list[str], Tally]:
    """What a sweep over the day kept, each as often as it was kept."""
    kept = Kept()
    tally = Tally()
    await Sweeper(tally, genesys.ask, kept, depth=depth).sweep(DAY)
    return sorted(kept.names), tally


def conversations(count: int) -> dict[str, float]:
    """So many conversations, spread over the day."""
    return {f"{number:03}": 24 * number / count for number in range(count)}


async def test_every_page_is_asked_for_once() -> None:
    """35 conversations are four requests, and each conversation is handed on once."""
    genesys = Genesys(conversations(35))
    names, tally = await swept(genesys)
    assert names == sorted(conversations(35))
    assert [page for _, page in genesys.asked] == [1, 2, 3, 4]
    assert (tally["seen"], tally["requests"]) == (35, 4)


async def test_what_shifted_to_an_earlier_page_is_found_by_a_second_pass() -> None:
    """When some leave while the pages are read, others move past the reader: a second pass finds them."""
    hours = conversations(35)
    leaving = {"000", "001", "002"}
    names, _ = await swept(Genesys(hours, leaving))
    assert set(names) >= set(conversations(35)) - leaving
    assert len(names) == len(set(names))


async def test_an_empty_interval_is_one_request() -> None:
    """Nothing there is not asked for twice."""
    _, tally = await swept(Genesys({}))
    assert (tally["seen"], tally["requests"]) == (0, 1)


async def test_more_than_genesys_gives_is_asked_for_in_halves() -> None:
    """An interval beyond the depth is halved until its parts fit; no page beyond the depth is asked for."""
    genesys = Genesys(conversations(90))
    names, tally = await swept(genesys, depth=30)
    assert names == sorted(conversations(90))
    assert tally["seen"] == 90
    assert max(page for _, page in genesys.asked) * SIZE <= 30


async def test_a_second_that_holds_too_much_is_not_halved_for_ever() -> None:
    """What cannot be divided further is read as far as Genesys gives it."""
    names, _ = await swept(Genesys(dict.fromkeys(conversations(90), 5.0)), depth=30)
    assert len(names) == 30
