"""A reconcile's way through the pages of one interval."""

from __future__ import annotations

from flows.batch import run_id
from flows.later import schedule_later
from tasks.compare import Compared
from tasks.intervals import Interval
from tasks.reconcile import Sweep, Tally, query
from tasks.save import Saving, save

DEPTH = 100_000  # Genesys gives no page beyond this result
_PASSES = 2  # over an interval whose pages shifted while they were read


async def sweep(interval: Interval, tally: Tally, seen: set[str] | None = None) -> None:
    """Reconcile an interval: in halves when it holds too much, twice when its pages shifted."""
    seen = set() if seen is None else seen
    for _ in range(_PASSES):
        before = len(seen)
        hits = await _pass(Sweep(interval, f"reconcile:{run_id()}", seen), tally)
        if hits > DEPTH:
            for half in interval.halves():
                await sweep(half, tally, seen)
            return
        if len(seen) - before >= hits or before:  # a half shares what it has seen with the other
            return


async def _pass(sweep_: Sweep, tally: Tally) -> int:
    """Every page once; the number of conversations that Genesys says there are."""
    while True:
        compared = await query(sweep_)
        sweep_.seen |= compared.seen
        tally.compared(compared)
        if compared.page.total_hits > DEPTH:
            return compared.page.total_hits
        await _store(compared, tally)
        if compared.page.is_last:
            return compared.page.total_hits
        sweep_.page += 1


async def _store(compared: Compared, tally: Tally) -> None:
    """Save what is missing or newer, straight from the query's answer."""
    if compared.has_work:
        saving = await save(Saving(compared.processed, run_id(), 1))
        tally.saved(compared, saving.outcomes)
        await schedule_later(saving.deferred)
