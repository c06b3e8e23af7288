"""Read all pages of an interval: until one is empty, and a second time if pages shifted.

A page that is more than Genesys returns at once is asked for with half the page size, down to a single conversation.
One that is too large alone is passed over, and counted as `unreadable`; where several in a row are, the interval is
halved, as is one with more than MAX_RESULTS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import timedelta
from enum import Enum
from typing import Any

from tasks.genesys import PAGE_SIZE, QueryPage, ResponseTooLarge
from tasks.operations.health import HealthLook
from tasks.operations.intervals import Interval
from tasks.pipeline.chunk_write import ChunkWrite
from tasks.pipeline.outcomes import OutcomeKind
from tasks.pipeline.work import SkipReason
from tasks.values import canonical_id

MAX_RESULTS = 100_000  # Genesys gives no page beyond this result
_PASSES = 2  # over an interval whose pages shifted while they were read
_SMALLEST_INTERVAL = timedelta(seconds=1)
_MAX_ALONE = 2  # conversations in a row that are too large alone; with more, it is the interval that is
# The halves of an interval share what overlaps both: a second of a long call still holds all of it.
_MAX_HALVINGS = 4
_MAX_REFUSED = 150  # pages in a row that are too large
_MAX_LISTED = 100  # interactions that the artifact lists


class QueryCursor:
    """Which page of which interval is next: an ordinary class, for Prefect would walk through a dataclass."""

    __slots__ = ("interval", "page", "page_size")

    def __init__(self, interval: Interval, page_size: int) -> None:
        self.interval = interval
        self.page = 1
        self.page_size = page_size

    def shrink(self) -> bool:
        """Halve the page size, and stay where it is; return False when a page is one conversation already."""
        if self.page_size == 1:
            return False
        passed = (self.page - 1) * self.page_size
        self.page_size //= 2
        self.page = passed // self.page_size + 1
        return True

    def advance(self, max_results: int, page_size: int) -> bool:
        """Go to the next page, with up to `page_size` again where that begins a page; return False beyond the bound."""
        passed = self.page * self.page_size
        if self.page_size * 2 <= page_size and passed % (self.page_size * 2) == 0:
            self.page_size *= 2
        self.page = passed // self.page_size + 1
        return self.page * self.page_size <= max_results


_SKIPPED = {
    SkipReason.PRESENT: "present",
    SkipReason.ERASED: "erased",
    SkipReason.OTHER_QUEUE: "elsewhere",
    SkipReason.DIFFERS: "differ",
}


class ReconcileCounts:
    """What a reconcile has seen and done so far; holds ids only."""

    __slots__ = ("_counts", "health", "named", "not_returned")

    NAMES = (
        *("seen", "present", "added", "updated", "erased", "elsewhere"),
        *("differ", "too fresh", "asked again", "not returned"),
        *("deferred", "failed", "unreadable", "cut off", "requests"),
    )
    _ALWAYS = ("seen", "present", "added", "updated", "requests")

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self.named: list[tuple[str, str]] = []  # the first so many that changed: what was done, the id
        self.health = HealthLook()
        self.not_returned: list[str] = []  # the first so many that Genesys no longer returns

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def add(self, name: str, number: int) -> None:
        """Count something."""
        self._counts[name] += number

    def add_write(self, write: ChunkWrite) -> None:
        """Count what became of a page's conversations."""
        skipped = {work.interaction_id: reason for work, reason in write.processed.skipped}
        stored = write.processed.stored
        for id_, outcomes in write.outcomes.items():
            if id_ in skipped:
                self._counts[_SKIPPED[skipped[id_]]] += 1
            else:
                self._add_outcome(id_, outcomes[0].kind, known=id_ in stored and stored[id_].known)

    def add_answer(self, write: ChunkWrite) -> None:
        """Count what became of stored interactions that were asked for again, by their ids."""
        self._counts["requests"] += 1
        self._counts["asked again"] += len(write.outcomes)
        self.health.add_removed(write)
        missing = [work.interaction_id for work in write.processed.missing]
        self._counts["not returned"] += len(missing)
        self.not_returned += missing[: _MAX_LISTED - len(self.not_returned)]
        for id_, outcomes in write.outcomes.items():
            if outcomes[0].kind is not OutcomeKind.UNCHANGED:
                self._add_outcome(id_, outcomes[0].kind, known=True)

    def _add_outcome(self, id_: str, kind: OutcomeKind, *, known: bool) -> None:
        names = {
            OutcomeKind.SAVED: "updated" if known else "added",
            OutcomeKind.UNCHANGED: "present",
        }
        name = names.get(kind, kind.value)
        self._counts[name] += 1
        if name != "present" and len(self.named) < _MAX_LISTED:
            self.named.append((name, id_))

    def __str__(self) -> str:
        """Return `200 seen, 180 present, 20 added, 0 updated, 3 requests`, and what else is not 0."""
        return ", ".join(
            f"{self._counts[name]} {name}"
            for name in self.NAMES
            if name in self._ALWAYS or self._counts[name]
        )


Conversations = dict[str, dict[str, Any]]
"""Conversations by interaction id."""

QueryPages = Callable[[QueryCursor], Awaitable[QueryPage]]
SavePage = Callable[[QueryPage, Conversations], Awaitable[None]]


class PassResult(Enum):
    """How reading an interval's pages ended."""

    COMPLETE = "complete"
    SHIFTED = "shifted"  # some left meanwhile, and others moved to pages that were read before
    TOO_MUCH = "too much"  # more than Genesys gives of one interval


class IntervalReconciler:
    """Takes intervals through `query`, and the conversations that are new to it through `save_page`."""

    def __init__(
        self,
        counts: ReconcileCounts,
        query: QueryPages,
        save_page: SavePage,
        *,
        max_results: int = MAX_RESULTS,
        page_size: int = PAGE_SIZE,
    ) -> None:
        self._counts = counts
        self._query = query
        self._save_page = save_page
        self._max_results = max_results
        self._page_size = page_size
        self._refused = 0  # pages that were too large, since the last one that was not

    async def reconcile(self, interval: Interval, seen: set[str] | None = None, halvings: int = 0) -> None:
        """Reconcile an interval, halved so often already; conversations in `seen` are passed over.

        Raises ResponseTooLarge when Genesys refuses page after page, however small.
        """
        seen = set() if seen is None else seen
        for _ in range(_PASSES):
            result = await self._pass(interval, seen, halvings)
            if result is PassResult.TOO_MUCH:
                for half in interval.halves():
                    await self.reconcile(half, seen, halvings + 1)
            if result is not PassResult.SHIFTED:
                return

    async def _pass(self, interval: Interval, seen: set[str], halvings: int) -> PassResult:
        """Read every page once, until one is empty: how many there are is known only roughly."""
        cursor, most, result = QueryCursor(interval, self._page_size), 0, PassResult.COMPLETE
        divisible, alone = interval.end - interval.start > _SMALLEST_INTERVAL, 0
        while True:
            page = await self._page(cursor)
            if page is None:
                if cursor.shrink():
                    continue
                alone += 1
                if divisible and alone > _MAX_ALONE and halvings < _MAX_HALVINGS:
                    return PassResult.TOO_MUCH
            else:
                self._counts.add("unreadable", alone)
                hits, alone = page.total_hits or most, 0
                if divisible and hits > self._max_results:
                    return PassResult.TOO_MUCH
                result = PassResult.SHIFTED if hits < most else result
                most = max(most, hits)
                if page.is_last:
                    return result
                await self._save(page, seen)
            if not cursor.advance(self._max_results, self._page_size):
                if divisible:
                    return PassResult.TOO_MUCH
                self._counts.add("cut off", 1)
                return result

    async def _page(self, cursor: QueryCursor) -> QueryPage | None:
        """Return a page, None if it is more than Genesys returns at once."""
        try:
            page = await self._query(cursor)
        except ResponseTooLarge:
            self._counts.add("requests", 1)
            self._refused += 1
            if self._refused > _MAX_REFUSED:
                raise
            return None
        self._refused = 0
        self._counts.add("requests", page.requests)
        return page

    async def _save(self, page: QueryPage, seen: set[str]) -> None:
        new = by_id(page.conversations, seen)
        self._counts.add("seen", len(new))
        if new:
            await self._save_page(page, new)
        seen.update(new)


def by_id(conversations: Iterable[dict[str, Any]], seen: Collection[str] = ()) -> Conversations:
    """Return the conversations by their ids, without those that were seen."""
    found = ((canonical_id(each["conversationId"]), each) for each in conversations)
    return {id_: each for id_, each in found if id_ and id_ not in seen}
