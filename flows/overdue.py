"""Runs for what nobody asks for any more: deferred work whose run is gone, records that never settled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Literal, NamedTuple

from prefect import get_run_logger
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun

from flows.batch import run_id
from flows.later import schedule_later
from tasks.batch import Work
from tasks.bootstrap import Services, services
from tasks.compare import asking
from tasks.events import InteractionEvent, parse
from tasks.process import in_thread
from tasks.stores import Deferral, Stored
from tasks.stores.searches import WHOLE, Share

Unsettled = Literal["none", "share", "all"]
QUEUE = "operations"
MOST = 10_000  # interactions of one reconcile; the next one goes on
_PAGE, _PAGES = 20, 250  # runs looked at: a page may hold 4 MB of parameters
_HOURS = 24


class Restarted(NamedTuple):
    """What a reconcile started anew."""

    interactions: int = 0
    runs: int = 0
    on_their_way: int = 0  # a run for them is late, not lost
    revived: int = 0  # runs that nobody worked at

    def __str__(self) -> str:
        """`2 overdue or unsettled restarted, 1 on their way`, and what else there was."""
        told = f"{self.interactions} overdue or unsettled restarted, {self.on_their_way} on their way"
        return f"{told}, {self.revived} abandoned runs scheduled again" if self.revived else told


async def restart(*, overdue: bool, unsettled: Unsettled) -> Restarted:
    """Start runs for what is overdue or unsettled, unless one is on its way. Raises StoreUnavailable."""
    given = services()
    found = await in_thread(given.storing, lambda: _found(given, overdue=overdue, unsettled=unsettled))
    if not found:
        return Restarted()
    async with get_client() as client:
        waiting = await _on_their_way(client)
    now = datetime.now(UTC)
    lost = [stored for stored in found if stored.interaction_id not in waiting]
    works = [(_work(stored), Deferral(now, max(stored.attempt, 1), stored.throttled)) for stored in lost]
    runs = await schedule_later(works, QUEUE)
    get_run_logger().info("%d interactions overdue or unsettled: %d runs", len(lost), runs)
    return Restarted(len(lost) if runs else 0, runs, len(found) - len(lost))


def _found(given: Services, *, overdue: bool, unsettled: Unsettled) -> list[Stored]:
    now, settings = datetime.now(UTC), given.settings
    found: list[Iterator[Stored]] = []
    if overdue:
        found.append(given.interactions.overdue(now - timedelta(seconds=settings.overdue_after)))
    if unsettled != "none":
        # A scan reads the whole table, so the hourly one reads the part whose turn it is: all of it in a day.
        share = Share(now.hour, _HOURS) if unsettled == "share" else WHOLE
        before = now - timedelta(seconds=settings.unsettled_after)
        found.append(given.interactions.unsettled(before, share))
    return list(islice(chain.from_iterable(found), MOST))


def _work(stored: Stored) -> Work:
    return Work(stored.interaction_id, [asking(stored.interaction_id, "reconcile", f"reconcile:{run_id()}")])


async def _on_their_way(client: PrefectClient) -> set[str]:
    """The interactions of deferred runs that are due and not finished: late is not lost."""
    found: set[str] = set()
    for page in range(_PAGES):
        runs = await client.read_flow_runs(flow_run_filter=_unfinished(), limit=_PAGE, offset=page * _PAGE)
        for run in runs:
            found.update(_interactions(run))
        if len(runs) < _PAGE:
            break
    return found


def _unfinished() -> FlowRunFilter:
    return FlowRunFilter.model_validate(
        {
            "tags": {"all_": ["deferred"]},
            "state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}},
            "expected_start_time": {"before_": datetime.now(UTC).isoformat()},
        }
    )


def _interactions(run: FlowRun) -> Iterator[str]:
    for text in run.parameters.get("events") or ():
        yield from (each.interaction_id for each in parse(text) if isinstance(each, InteractionEvent))
