"""Interactions whose deferred run is missing, records that never settled, and settled ones that may end again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Literal, NamedTuple

from prefect import get_run_logger
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.variables import Variable

from flows.runs.current_run import run_id
from flows.runs.schedule import OPERATIONS_QUEUE, schedule_deferred
from tasks.events import interaction_ids
from tasks.pipeline.recheck import RecheckTimes
from tasks.pipeline.work import InteractionWork
from tasks.services import Services, get_services, in_thread
from tasks.stores import Deferral, Stored
from tasks.stores.queries import WHOLE_TABLE, ScanAges, ScanSegment

Unsettled = Literal["none", "share", "all"]
MAX_INTERACTIONS = 10_000  # of one reconcile; the next one goes on
_PAGE, _PAGES = 20, 250  # runs looked at: a page may hold 4 MB of parameters
_SEGMENTS = 24  # of the table: the hourly reconcile scans one, all of it in a day
_LAST_SEGMENT = "reconcile_scanned_segment"  # the Prefect variable that says which was scanned last


class Requeue(NamedTuple):
    """What a reconcile found in the table."""

    restarted: int
    """Interactions that got a run."""
    late: int
    """Interactions whose run is only late."""
    may_have_changed: list[str]
    """Settled interactions that are to be asked for again, those that ended last first."""


class _Found(NamedTuple):
    waiting: list[Stored]
    settled: list[Stored]


async def requeue_overdue(*, overdue: bool, unsettled: Unsettled) -> Requeue:
    """Create runs for what is overdue or unsettled, unless a deferred run for it is due.

    Returns also what settled and may have changed, of the part of the table that was read. Raises StoreUnavailable.
    """
    if unsettled != "share":
        return await _requeue(WHOLE_TABLE if unsettled == "all" else None, overdue=overdue)
    segment = ScanSegment(await _next_segment(), _SEGMENTS)
    counts = await _requeue(segment, overdue=overdue)
    await Variable.aset(_LAST_SEGMENT, segment.number, overwrite=True)
    return counts


async def _next_segment() -> int:
    """Return the segment after the one that was scanned last: hours in which nothing ran leave none out."""
    last = await Variable.aget(_LAST_SEGMENT)
    return (last + 1) % _SEGMENTS if isinstance(last, int) else 0


async def _requeue(segment: ScanSegment | None, *, overdue: bool) -> Requeue:
    services = get_services()
    found, settled = await in_thread(services.store_pool, lambda: _found(services, segment, overdue=overdue))
    settled.sort(key=lambda stored: stored.ended_at or "", reverse=True)
    again = [stored.interaction_id for stored in settled[:MAX_INTERACTIONS]]
    if not found:
        return Requeue(0, 0, again)
    async with get_client() as client:
        late = await _in_unfinished_runs(client)
    now = datetime.now(UTC)
    missing = [stored for stored in found if stored.interaction_id not in late]
    works = [
        (
            InteractionWork.requested(stored.interaction_id, "reconcile", f"reconcile:{run_id()}"),
            Deferral(now, max(stored.attempt, 1), stored.throttled),
        )
        for stored in missing
    ]
    runs = await schedule_deferred(works, OPERATIONS_QUEUE)
    get_run_logger().info("%d interactions overdue or unsettled: %d runs", len(missing), runs)
    return Requeue(len(missing) if runs else 0, len(found) - len(missing), again)


def _found(services: Services, segment: ScanSegment | None, *, overdue: bool) -> _Found:
    now, settings = datetime.now(UTC), services.settings
    found = _Found([], [])
    if overdue:
        before = now - timedelta(seconds=settings.overdue_after)
        found.waiting.extend(islice(services.interactions.overdue(before), MAX_INTERACTIONS))
    if segment:
        times = RecheckTimes.of(settings)
        before = now - timedelta(seconds=settings.unsettled_after)
        ages = ScanAges(before, now - times.oldest, now - times.first)
        for stored in services.interactions.to_ask_again(ages, segment):
            if not stored.settled:
                found.waiting.append(stored)
            elif times.is_due(stored, now):
                found.settled.append(stored)
    return _Found(found.waiting[:MAX_INTERACTIONS], found.settled)


async def _in_unfinished_runs(client: PrefectClient) -> set[str]:
    """Return the interactions of deferred runs that are due and not finished."""
    found: set[str] = set()
    for page in range(_PAGES):
        runs = await client.read_flow_runs(flow_run_filter=_unfinished(), limit=_PAGE, offset=page * _PAGE)
        for run in runs:
            found |= interaction_ids(run.parameters.get("events") or ())
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
