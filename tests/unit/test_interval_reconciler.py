"""An interval's pages: those that shift while they are read, and more than Genesys gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from uuid import UUID

import pytest

from tasks.genesys import QueryPage, ResponseTooLarge
from tasks.operations.intervals import Interval
from tasks.operations.reconciler import Conversations, IntervalReconciler, QueryCursor, ReconcileCounts

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = Interval(START, START + timedelta(days=1))
SIZE = 10


def name(number: int) -> str:
    """Return the n-th conversation's id."""
    return str(UUID(int=number))


class Genesys:
    """Conversations by the hour in which they started, whose number it tells only roughly.

    `leaving` are gone after the first page was given; a page may hold `at_most` bytes, of which a conversation has
    one, but for those in `large`; of an interval longer than `interval_at_most` no page is given.
    """

    def __init__(
        self,
        hours: dict[str, float],
        leaving: frozenset[str] = frozenset(),
        *,
        estimate: Callable[[int], int | None] = lambda hits: hits,
        at_most: int = 1_000_000,
        interval_at_most: timedelta = timedelta(days=1),
        large: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._hours = hours
        self._leaving = leaving
        self._estimate = estimate
        self._at_most = at_most
        self._interval_at_most = interval_at_most
        self._large = large
        self.asked: list[tuple[Interval, int, int]] = []

    async def query(self, cursor: QueryCursor) -> QueryPage:
        """Return a page of what started in the interval."""
        size = cursor.page_size
        self.asked.append((cursor.interval, cursor.page, size))
        found = [each for each in sorted(self._hours) if self._within(each, cursor.interval)]
        names = found[(cursor.page - 1) * size : cursor.page * size]
        too_long = cursor.interval.end - cursor.interval.start > self._interval_at_most
        if too_long or sum(self._large.get(each, 1) for each in names) > self._at_most:
            raise ResponseTooLarge("answered 413 payload.too.large")
        conversations = tuple({"conversationId": each} for each in names)
        page = QueryPage(conversations, self._estimate(len(found)), cursor.page, size, START, 1)
        for each in self._leaving:
            self._hours.pop(each, None)
        return page

    def _within(self, each: str, interval: Interval) -> bool:
        return interval.start <= START + timedelta(hours=self._hours[each]) < interval.end


async def reconciled(genesys: Genesys, max_results: int = 1_000) -> tuple[list[str], ReconcileCounts]:
    """Return what was saved of the day, each conversation as often as it was saved, and the counts."""
    saved: list[str] = []
    counts = ReconcileCounts()

    async def save_page(page: QueryPage, conversations: Conversations) -> None:
        del page
        saved.extend(conversations)

    reconciler = IntervalReconciler(counts, genesys.query, save_page, max_results=max_results, page_size=SIZE)
    await reconciler.reconcile(DAY)
    return sorted(saved), counts


def conversations(count: int) -> dict[str, float]:
    """Return so many conversations, spread over the day."""
    return {name(number): 24 * number / count for number in range(count)}


async def test_every_page_is_asked_for_once() -> None:
    """35 conversations are four pages and an empty one, and each conversation is saved once."""
    genesys = Genesys(conversations(35))
    names, counts = await reconciled(genesys)
    assert names == sorted(conversations(35))
    assert [page for _, page, _ in genesys.asked] == [1, 2, 3, 4, 5]
    assert (counts["seen"], counts["requests"]) == (35, 5)


@pytest.mark.parametrize("estimate", [lambda _: 12, lambda hits: hits + 9, lambda _: 0, lambda _: None])
async def test_an_estimate_ends_no_paging(estimate: Callable[[int], int | None]) -> None:
    """Whether Genesys names too few, too many or no hits: the pages are read until one is empty, once."""
    genesys = Genesys(conversations(35), estimate=estimate)
    names, counts = await reconciled(genesys)
    assert names == sorted(conversations(35))
    assert counts["requests"] == 5


async def test_what_shifted_to_an_earlier_page_is_found_by_a_second_pass() -> None:
    """When some leave while the pages are read, others move past the reader: a second pass finds them."""
    hours = conversations(35)
    leaving = frozenset(name(number) for number in range(3))
    names, _ = await reconciled(Genesys(hours, leaving))
    assert set(names) >= set(conversations(35)) - leaving
    assert len(names) == len(set(names))


async def test_what_shifted_behind_the_last_page_is_found() -> None:
    """The one conversation of a last page moves to a page that was read, and the last page is empty."""
    hours, leaving = conversations(SIZE + 1), frozenset({name(0)})
    names, _ = await reconciled(Genesys(hours, leaving))
    assert set(names) == set(conversations(SIZE + 1))


async def test_a_page_that_is_too_large_is_asked_for_with_half_the_size() -> None:
    """From where it was, and with more again later: nothing is left out, nothing saved twice."""
    genesys = Genesys(conversations(35), at_most=7, large={name(14): 4})
    names, counts = await reconciled(genesys)
    assert names == sorted(conversations(35))
    assert counts["unreadable"] == 0
    assert [size for _, _, size in genesys.asked[:3]] == [10, 5, 5]
    assert min(size for _, _, size in genesys.asked) == 2
    assert genesys.asked[-1][2] > 2
    assert counts["requests"] == len(genesys.asked)


async def test_a_conversation_that_is_too_large_alone_costs_only_itself() -> None:
    """It is passed over and counted; the next pages grow again, and the interval stays whole."""
    large = name(14)
    genesys = Genesys(conversations(350), at_most=20, large={large: 100})
    names, counts = await reconciled(genesys)
    assert names == sorted(set(conversations(350)) - {large})
    assert (counts["unreadable"], counts["seen"]) == (1, 349)
    assert {interval for interval, _, _ in genesys.asked} == {DAY}
    assert len(genesys.asked) < 35 + 25


async def test_an_interval_that_is_too_large_whatever_the_page_is_halved() -> None:
    """Where even single conversations are refused one after the other, it is the interval that is too large."""
    genesys = Genesys(conversations(64), interval_at_most=timedelta(hours=3))
    names, counts = await reconciled(genesys)
    assert names == sorted(conversations(64))
    assert counts["unreadable"] == 0


@pytest.mark.parametrize("first", range(32))
async def test_wherever_it_is_what_is_too_large_is_passed_over_once(first: int) -> None:
    """Two in a row, anywhere in the pages: all others are saved, once."""
    large = {name(first): 100, name(first + 1): 100}
    names, counts = await reconciled(Genesys(conversations(35), at_most=20, large=large))
    assert names == sorted(set(conversations(35)) - large.keys())
    assert counts["unreadable"] == 2


async def test_a_genesys_that_refuses_every_page_is_not_asked_for_ever() -> None:
    """When no page can be small enough, the reconcile fails."""
    genesys = Genesys(conversations(35), at_most=-1)
    with pytest.raises(ResponseTooLarge):
        await reconciled(genesys)
    assert len(genesys.asked) < 200


async def test_an_empty_interval_is_one_request() -> None:
    """An interval without conversations is not asked for twice."""
    _, counts = await reconciled(Genesys({}))
    assert (counts["seen"], counts["requests"]) == (0, 1)


async def test_more_than_genesys_gives_is_asked_for_in_halves() -> None:
    """An interval beyond the bound is halved until its parts fit; no page beyond the bound is asked for."""
    genesys = Genesys(conversations(90))
    names, counts = await reconciled(genesys, max_results=30)
    assert names == sorted(conversations(90))
    assert (counts["seen"], counts["cut off"]) == (90, 0)
    assert max(page for _, page, _ in genesys.asked) * SIZE <= 30


async def test_a_second_that_holds_too_much_is_not_halved_for_ever() -> None:
    """What cannot be divided further is read as far as Genesys gives it, and counted."""
    names, counts = await reconciled(Genesys(dict.fromkeys(conversations(90), 5.0)), max_results=30)
    assert len(names) == 30
    assert counts["cut off"] == 1
