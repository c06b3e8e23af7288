"""The flow that finds what no event reported: an interval of Genesys's conversations against the table."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.reports.events import report_dead_letters
from flows.reports.health import publish_health
from flows.reports.reconcile import Requeued, final_state, left, publish_reconcile
from flows.reports.refusal import refused
from flows.runs.abandoned import reschedule_abandoned_runs
from flows.runs.ask_again import ask_again, unlisted
from flows.runs.checkpoint import Checkpoint
from flows.runs.listings import reconcile_by_jobs, reconcile_by_query
from flows.runs.recovery import fail_if_crash_looping
from flows.runs.requeue import Unsettled, requeue_overdue
from flows.runs.schedule import reschedule_current_run
from flows.runs.scheduled import Schedule, ScheduledRun
from flows.runs.timeouts import RECONCILE, run_timeout
from tasks.errors import InvalidRequest, PipelineError, TransientError
from tasks.operations.intervals import Interval, InvalidInterval, resolve_interval, scheduled_interval
from tasks.operations.reconciler import ReconcileCounts
from tasks.options import NO_RESULTS
from tasks.settings import task_policy

Mode = Literal["query", "jobs"]
"""How Genesys is asked for an interval: by details queries, or by details jobs of its data lake."""


class Asked(NamedTuple):
    """The parameters that say which interval is reconciled, and how."""

    start: datetime | None
    end: datetime | None
    last_hours: float | None
    last_days: float | None
    schedule: Schedule
    mode: Mode


def run_name() -> str:
    """Return `reconcile the last 3 hours`, `hourly reconcile`, `reconcile from 2026-01-01T00:00:00Z to ... by jobs`.

    Invalid values as given.
    """
    given = flow_run.parameters
    return _interval_name(given) + (" by jobs" if given.get("mode") == "jobs" else "")


def _interval_name(given: dict[str, Any]) -> str:
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


@flow(name=RECONCILE, flow_run_name=run_name, persist_result=False, result_storage=NO_RESULTS)
async def reconcile_interactions(  # noqa: PLR0917 - the fields of a form
    start: datetime | None = None,
    end: datetime | None = None,
    last_hours: float | None = None,
    last_days: float | None = None,
    overdue: bool = True,
    unsettled: Unsettled = "none",
    no_longer_returned: bool = False,
    mode: Mode = "query",
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
        mode: query asks for pages of the details query. jobs, for back-fills too large for it, reads the data lake of
            Genesys, hours to a day behind: what is later than its date is left, and named. jobs needs a start.
        schedule: Leave it at none: the deployment's schedules set it. Such a run covers at least from where the last
            completed run of its schedule ended, and ends at once where a later one does so.
    """
    counts = ReconcileCounts()
    asked = Asked(start, end, last_hours, last_days, schedule, mode)
    try:
        async with asyncio.timeout(run_timeout(RECONCILE, task_policy())):
            await fail_if_crash_looping()
            scheduled = _scheduled(asked)
            if scheduled and (by := await scheduled.superseded_by()):
                return Completed(name="Superseded", message=by)
            interval = await _interval(asked, scheduled)
            requeued, again = await _requeue(overdue=overdue, unsettled=unsettled)
            listed: set[str] | None = set() if no_longer_returned else None
            covered = await _listing(asked, interval, scheduled, counts, listed)
            not_listed = [] if listed is None else await unlisted(covered, listed)
            await ask_again([*not_listed, *again], counts)
            return await _report(asked, interval, covered, counts, requeued)
    except (TimeoutError, PipelineError) as error:
        return await _failed(error, asked, counts)


async def _failed(error: TimeoutError | PipelineError, asked: Asked, counts: ReconcileCounts) -> State[Any]:
    """Return the state of a run that failed; a back-fill that another time may complete is rescheduled instead."""
    if isinstance(error, TimeoutError):
        text = f"BACKGROUND_TIMEOUT has passed; {counts}"
        return Failed(name="TimedOut", message=text + (_CEILING if asked.mode == "query" else ""))
    if isinstance(error, InvalidRequest):
        # A schedule that is set up wrongly reconciles never: somebody has to hear of that.
        return refused(error) if asked.schedule == "none" else Failed(message=f"{error.code}: {error}")
    # Without a start it comes again anyway, by its schedule.
    if asked.start is not None and isinstance(error, TransientError):
        await reschedule_current_run(error)
    return Failed(message=f"{error.code}: {error}; {counts}")


_CEILING = (
    "; an interval that the query does not read in that time is for a back-fill with start, end and mode jobs"
)


async def _requeue(*, overdue: bool, unsettled: Unsettled) -> tuple[Requeued, Sequence[str]]:
    """Report dead letters, and start what nobody works at; return it, and what may have changed since its end."""
    await report_dead_letters()
    rescheduled = await reschedule_abandoned_runs() if overdue else 0
    found = await requeue_overdue(overdue=overdue, unsettled=unsettled)
    return Requeued(found.restarted, found.late, rescheduled), found.may_have_changed


async def _report(
    asked: Asked, interval: Interval, covered: Interval, counts: ReconcileCounts, requeued: Requeued
) -> State[Any]:
    """Make the artifacts, and return the final state."""
    rest = left(interval, covered)
    await publish_reconcile(interval, counts, requeued, rest)
    if asked.mode == "query":  # the lake is too old for figures of the present
        await publish_health(interval, counts.health)
    return final_state(counts, requeued, rest)


def _scheduled(asked: Asked) -> ScheduledRun | None:
    """Return the schedule that the run belongs to. Raises InvalidInterval."""
    if asked.mode == "jobs" and (asked.schedule != "none" or not asked.start):
        raise InvalidInterval("mode jobs is for a back-fill: name a start, and no schedule")
    if asked.schedule == "none":
        return None
    if asked.start or asked.end:
        raise InvalidInterval("schedule and start or end exclude each other: name one of them")
    return ScheduledRun(asked.schedule)


async def _interval(asked: Asked, scheduled: ScheduledRun | None) -> Interval:
    now, hours, days = datetime.now(UTC), asked.last_hours, asked.last_days
    if not scheduled:
        return resolve_interval(asked.start, asked.end, last_hours=hours, last_days=days, now=now)
    return scheduled_interval(
        last_hours=hours,
        last_days=days,
        scheduled_for=scheduled.scheduled_for,
        covered_until=await scheduled.watermark.covered_until(),
        now=now,
    )


async def _listing(
    asked: Asked,
    interval: Interval,
    scheduled: ScheduledRun | None,
    counts: ReconcileCounts,
    listed: set[str] | None,
) -> Interval:
    """Take what Genesys lists of the interval through process and save; return the part that it has listed."""
    back_fill = Checkpoint(interval.start, asked.end) if asked.start else None
    if asked.mode == "jobs" and back_fill:
        return await reconcile_by_jobs(interval, back_fill, counts, listed)
    await reconcile_by_query(interval, scheduled.watermark if scheduled else back_fill, counts, listed)
    return interval
