"""A reconcile's way through the pages of one interval."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from flows.batch import run_id
from flows.later import schedule_later
from flows.overdue import QUEUE
from tasks.compare import Compared
from tasks.intervals import Interval
from tasks.reconcile import Sweep, Tally, query
from tasks.save import Saving, save

DEPTH = 100_000  # Genesys gives no page beyond this result
_PASSES = 2  # over an interval whose pages shifted while they were read
_INSTANT = timedelta(seconds=1)  # nothing is gained by halving this

Ask = Callable[[Sweep], Awaitable[Compared]]
Keep = Callable[[Compared, Tally], Awaitable[None]]


async def keep(compared: Compared, tally: Tally) -> None:
    """Save what is missing or newer, straight from the query's answer, and count it."""
    if compared.has_work:
        saving = await save(Saving(compared.processed, run_id(), 1))
        tally.saved(compared, saving.outcomes)
        await schedule_later(saving.deferred, QUEUE)


class Sweeper:
    """Takes intervals through `ask` and `keep`, and counts in `tally` what came of them."""

    def __init__(self, tally: Tally, ask: Ask = query, keep: Keep = keep, *, depth: int = DEPTH) -> None:
        self.tally = tally
        self._ask = ask
        self._keep = keep
        self._depth = depth

    async def sweep(self, interval: Interval, seen: set[str] | None = None) -> None:
        """Reconcile an interval: in halves when it holds too much, twice when its pages shifted."""
        seen = set() if seen is None else seen
        divisible = interval.end - interval.start > _INSTANT
        for number in range(_PASSES):
            before = len(seen)
            hits = await self._pass(Sweep(interval, f"reconcile:{run_id()}", seen), divisible=divisible)
            if hits > self._depth and divisible:
                for half in interval.halves():
                    await self.sweep(half, seen)
                return
            # Fewer than there once were: some left, and others took their places on pages read before.
            if number or before or len(seen) >= hits:  # (a half shares what it has seen with its neighbour)
                return

    async def _pass(self, sweep: Sweep, *, divisible: bool) -> int:
        """Every page once, as far as Genesys gives them; the most conversations that it said there are."""
        most = 0
        while True:
            compared = await self._ask(sweep)
            page = compared.page
            most = max(most, page.total_hits)
            self.tally.asked(page.requests)
            if page.total_hits > self._depth and divisible:
                return most
            self.tally.compared(compared)
            await self._keep(compared, self.tally)
            sweep.seen |= compared.seen
            if page.is_last or page.page * page.page_size >= self._depth:
                return most
            sweep.page += 1
