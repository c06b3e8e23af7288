"""The flow that finds what no event reported: an interval of Genesys's conversations against the table."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.pipeline import process_and_save
from flows.reports.events import report_dead_letters
from flows.reports.health import publish_health
from flows.reports.progress import Progress
from flows.reports.reconcile import Requeued, final_state, publish_reconcile
from flows.reports.refusal import refused
from flows.runs.abandoned import reschedule_abandoned_runs
from flows.runs.ask_again import ask_again, unlisted
from flows.runs.checkpoint import Checkpoint, Watermark
from flows.runs.current_run import run_id
from flows.runs.recovery import fail_if_crash_looping
from flows.runs.requeue import Unsettled, requeue_overdue
from flows.runs.schedule import OPERATIONS_QUEUE, reschedule_current_run, schedule_deferred
from flows.runs.scheduled import Schedule, ScheduledRun
from flows.runs.timeouts import RECONCILE, run_timeout
from tasks.errors import InvalidRequest, PermanentError, TransientError
from tasks.genesys import ConversationBatch, QueryPage
from tasks.operations.intervals import (
    Interval,
    InvalidInterval,
    query_intervals,
    resolve_interval,
    scheduled_interval,
)
from tasks.operations.reconciler import Conversations, IntervalReconciler, ReconcileCounts
from tasks.pipeline.work import Chunk, InteractionWork, PipelineRun
from tasks.reconcile import query
from tasks.services import get_services
from tasks.settings import task_policy


def run_name() -> str:
    """Return `reconcile the last 3 hours`, `hourly reconcile`, `reconcile from 2026-01-01T00:00:00Z to ...`.

    Invalid values as given.
    """
    given = flow_run.parameters
    if given.get("schedule", "none") != "none":
        return f"{given['schedule']} reconcile"
    if given.get("start"):
        return f"reconcile from {given['start']} to {given.get('end') or 'now'}"
    if given.get("end"):
        return f"reconcile to {given['end']}, without a start"
    if given.get("last_days") is not None:
        return f"reconcile the last {given['last_days']} days"
    hours = given.get("last_hours")
    return f"reconcile the last {3 if hours is None else hours} hours"


@flow(name=RECONCILE, flow_run_name=run_name, persist_result=False)
async def reconcile_interactions(  # noqa: PLR0917 - the fields of a form
    start: datetime | None = None,
    end: datetime | None = None,
    last_hours: float | None = None,
    last_days: float | None = None,
    overdue: bool = True,
    unsettled: Unsettled = "none",
    no_longer_returned: bool = False,
    schedule: Schedule = "none",
) -> State[Any]:
    """Ask Genesys for the conversations of an interval, and store those that are missing or newer.

    A back-fill (start given) that was interrupted goes on where it stopped, when it has the same start and end.

    Args:
        start: Beginning of the interval (UTC unless the time says otherwise). All four empty: the last three hours.
        end: End of the interval; empty: now.
        last_hours: Instead of start and end, so many hours back from now.
        last_days: Instead of start and end, so many days back from now.
        overdue: Also start runs for what was deferred and is overdue.
        unsettled: Also start runs for records unsettled for more than a day: none, in all of the table, or in the
            24th of it whose turn it is (share). Finding them reads the table.
        no_longer_returned: Also ask, by their ids, for the interactions of the interval that the table holds and
            Genesys did not list, and name those that it no longer returns. Finding them reads the table.
        schedule: Leave it at none: the deployment's schedules set it. Such a run covers at least from where the last
            completed run of its schedule ended, and ends at once where a later one does so.
    """
    counts = ReconcileCounts()
    try:
        async with asyncio.timeout(run_timeout(RECONCILE, task_policy())):
            await fail_if_crash_looping()
            scheduled = _scheduled(schedule, start, end)
            if scheduled and (by := await scheduled.superseded_by()):
                return Completed(name="Superseded", message=by)
            interval = await _interval(scheduled, start, end, last_hours, last_days)
            mark = scheduled.watermark if scheduled else Checkpoint(interval.start, end) if start else None
            requeued, again = await _requeue(overdue=overdue, unsettled=unsettled)
            await _ask(interval, mark, counts, again, no_longer_returned=no_longer_returned)
            await publish_reconcile(interval, counts, requeued)
            await publish_health(interval, counts.health)
            return final_state(counts, requeued)
    except TimeoutError:
        return Failed(name="TimedOut", message=f"BACKGROUND_TIMEOUT has passed; {counts}")
    except InvalidRequest as error:
        # A schedule that is set up wrongly reconciles never: somebody has to hear of that.
        return refused(error) if schedule == "none" else Failed(message=f"{error.code}: {error}")
    except (PermanentError, TransientError) as error:
        if isinstance(error, TransientError) and start:  # without it comes again anyway, by its schedule
            await reschedule_current_run(error)
        return Failed(message=f"{error.code}: {error}; {counts}")


def _scheduled(schedule: Schedule, start: datetime | None, end: datetime | None) -> ScheduledRun | None:
    if schedule == "none":
        return None
    if start or end:
        raise InvalidInterval("schedule and start or end exclude each other: name one of them")
    return ScheduledRun(schedule)


async def _interval(
    scheduled: ScheduledRun | None,
    start: datetime | None,
    end: datetime | None,
    last_hours: float | None,
    last_days: float | None,
) -> Interval:
    now = datetime.now(UTC)
    if not scheduled:
        return resolve_interval(start, end, last_hours=last_hours, last_days=last_days, now=now)
    return scheduled_interval(
        last_hours=last_hours,
        last_days=last_days,
        scheduled_for=scheduled.scheduled_for,
        covered_until=await scheduled.watermark.covered_until(),
        now=now,
    )


async def _requeue(*, overdue: bool, unsettled: Unsettled) -> tuple[Requeued, list[str]]:
    """Start runs for what is overdue or unsettled; return their counts, and what may have changed since it settled."""
    await report_dead_letters()
    rescheduled = await reschedule_abandoned_runs() if overdue else 0
    found = await requeue_overdue(overdue=overdue, unsettled=unsettled)
    return Requeued(found.restarted, found.late, rescheduled), found.may_have_changed


async def _ask(
    interval: Interval,
    mark: Checkpoint | Watermark | None,
    counts: ReconcileCounts,
    may_have_changed: list[str],
    *,
    no_longer_returned: bool,
) -> None:
    """Ask for the interval, then by their ids for what may have changed and, on demand, for what is not listed."""
    listed: set[str] | None = set() if no_longer_returned else None
    await _reconcile(interval, mark, counts, listed)
    again = [] if listed is None else await unlisted(interval, listed)
    await ask_again([*again, *may_have_changed], counts)


async def _reconcile(
    interval: Interval,
    mark: Checkpoint | Watermark | None,
    counts: ReconcileCounts,
    listed: set[str] | None,
) -> None:
    """Take every page of the interval through process and save; add to `listed`, if given, what Genesys listed."""
    done_until = await mark.done_until() if mark else None
    intervals = list(query_intervals(interval, get_services().settings.reconcile_lookback, done_until))
    progress = Progress("reconcile-progress", len(intervals), "intervals reconciled")
    await progress.start()

    async def save_page(page: QueryPage, conversations: Conversations) -> None:
        await _save_page(page, conversations, counts)

    reconciler = IntervalReconciler(counts, query, save_page)
    for each in intervals:
        await reconciler.reconcile(each, listed)
        await progress.add(1)
        if mark and (each.end > interval.start or isinstance(mark, Checkpoint)):
            await mark.reached(each)
    if mark:
        await mark.clear()


async def _save_page(page: QueryPage, conversations: Conversations, counts: ReconcileCounts) -> None:
    """Take a page's conversations through process and save; only what is missing or newer is written."""
    works = [InteractionWork.requested(id_, "reconcile", f"reconcile:{run_id()}") for id_ in conversations]
    prefetched = ConversationBatch(
        conversations,
        missing=frozenset(),
        refused={},
        dates=dict.fromkeys(conversations, page.fetched_at),
        requests=0,
    )
    run = PipelineRun(run_id(), "background", only_newer=True)
    for write in await process_and_save([Chunk(works, prefetched)], run):
        counts.add_write(write)
        counts.health.add_page(write, conversations, get_services().settings.objective_completeness_within)
        await schedule_deferred(write.deferred, OPERATIONS_QUEUE)
