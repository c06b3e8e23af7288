"""query: one page of an interval's conversations, compared with the table."""

from __future__ import annotations

import time
from collections import Counter

from prefect import get_run_logger, task

from tasks.attributes import add_address
from tasks.bootstrap import services
from tasks.compare import Compared, Comparison
from tasks.intervals import Interval
from tasks.outcomes import Kind, Outcome
from tasks.process import in_thread
from tasks.retries import policy
from tasks.settings import task_policy

_SAMPLE = 100  # ids of each kind that are named


class Tally:
    """What a reconcile has seen and done so far; holds ids only."""

    __slots__ = ("_counts", "named")

    COUNTED = ("seen", "present", "added", "updated", "erased", "elsewhere", "deferred", "failed", "requests")

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self.named: list[tuple[str, str]] = []  # what became of the first so many: outcome, id

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def asked(self, requests: int) -> None:
        """Count requests to Genesys."""
        self._counts["requests"] += requests

    def compared(self, compared: Compared) -> None:
        """Count a page."""
        self._counts.update(
            seen=len(compared.seen),
            present=compared.present,
            erased=compared.erased,
            elsewhere=compared.elsewhere,
        )

    def saved(self, compared: Compared, outcomes: dict[str, list[Outcome]]) -> None:
        """Count what became of what was to be saved."""
        stored = compared.processed.stored
        for id_, found in outcomes.items():
            known = id_ in stored and stored[id_].known
            self._count(id_, _name(found[0].kind, known=known))

    def _count(self, id_: str, name: str) -> None:
        self._counts[name] += 1
        if name != "present" and len(self.named) < _SAMPLE:
            self.named.append((name, id_))

    def __str__(self) -> str:
        """`200 seen, 180 present, 20 added, 0 updated, 3 requests`, and what else is not nought."""
        always = ("seen", "present", "added", "updated", "requests")
        return ", ".join(
            f"{self._counts[name]} {name}" for name in self.COUNTED if name in always or self._counts[name]
        )


def _name(kind: Kind, *, known: bool) -> str:
    if kind is Kind.SAVED:
        return "updated" if known else "added"
    return "present" if kind is Kind.UNCHANGED else kind.value


class Sweep:
    """One pass over an interval's pages: an ordinary class, so that Prefect does not walk through it."""

    __slots__ = ("event_id", "interval", "page", "seen")

    def __init__(self, interval: Interval, event_id: str, seen: set[str]) -> None:
        self.interval = interval
        self.event_id = event_id
        self.seen = seen  # by the passes of before, too
        self.page = 1


@task(name="query", **policy(retries=3, first_delay=5, timeout=2 * task_policy().task_timeout))
async def query(sweep: Sweep) -> Compared:
    """Ask for the sweep's next page, and compare it.

    Only conversations that have ended are asked for, oldest first: fewer of them move between two pages.
    Raises TransientError (retried by the task) when Genesys or a store cannot be reached.
    """
    compared = await in_thread(services().fetching, lambda: _query(sweep))
    get_run_logger().info(
        "%s, page %d of %d conversations: %d new to this pass, %d to save",
        sweep.interval.start.date(),
        sweep.page,
        compared.page.total_hits,
        len(compared.seen),
        len(compared.processed.fetched),
    )
    return compared


def _query(sweep: Sweep) -> Compared:
    given, began = services(), time.monotonic()
    page = given.genesys["background"].query_conversations(
        sweep.interval.start, sweep.interval.end, page=sweep.page, queue_ids=given.settings.queue_ids
    )
    comparison = Comparison(given.interactions, given.quarantine, given.settings, sweep.event_id)
    compared = comparison.of(page, sweep.seen)
    add_address(given, compared.processed, "background", began=began)
    return compared
