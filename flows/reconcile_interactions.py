"""The flow that finds what no event told of: an interval of Genesys's conversations against the table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.background import Progress, give_up_if_lost
from flows.checkpoint import Checkpoint
from flows.later import go_back
from flows.overdue import Restarted, Unsettled, restart
from flows.sweeping import Sweeper
from flows.watch import revive, watch_dead_letters
from tasks.bootstrap import services
from tasks.errors import NotReady, PermanentError, TransientError
from tasks.intervals import Interval, chosen, pieces
from tasks.reconcile import Tally
from tasks.settings import task_policy


def run_name() -> str:
    """`reconcile the last 3 hours`, `reconcile from 2026-01-01T00:00:00Z to ...`; also what is refused, as asked."""
    given = flow_run.parameters
    if given.get("start"):
        return f"reconcile from {given['start']} to {given.get('end') or 'now'}"
    if given.get("end"):
        return f"reconcile to {given['end']}, without a start"
    if given.get("last_days") is not None:
        return f"reconcile the last {given['last_days']} days"
    hours = given.get("last_hours")
    return f"reconcile the last {3 if hours is None else hours} hours"


@flow(
    name="reconcile-interactions",
    flow_run_name=run_name,
    timeout_seconds=task_policy().background_timeout,
    persist_result=False,
)
async def reconcile_interactions(  # noqa: PLR0917 - the fields of a form
    start: datetime | None = None,
    end: datetime | None = None,
    last_hours: float | None = None,
    last_days: float | None = None,
    overdue: bool = True,
    unsettled: Unsettled = "all",
) -> State[Any]:
    """Ask Genesys for the conversations of an interval, and store those that are missing or newer.

    Without any parameter: the last three hours. A back-fill (start given) that was interrupted goes on where
    it stopped when it is started again with the same start and end.

    Args:
        start: Beginning of the interval (UTC unless the time says otherwise).
        end: End of the interval; now, if absent.
        last_hours: Instead of start and end, so many hours back from now.
        last_days: Instead of start and end, so many days back from now.
        overdue: Also start runs for what was deferred and is overdue.
        unsettled: Also start runs for records unsettled for more than a day, in all of the table, in the
            share of it whose turn it is this hour, or none. Finding them reads the table.

    """
    tally, restarted = Tally(), Restarted()
    try:
        await give_up_if_lost()
        interval = chosen(start, end, last_hours=last_hours, last_days=last_days, now=datetime.now(UTC))
        await watch_dead_letters()
        revived = await revive() if overdue else 0
        restarted = (await restart(overdue=overdue, unsettled=unsettled))._replace(revived=revived)
        await _reconcile(interval, Checkpoint(interval.start, end) if start else None, tally)
    except PermanentError as error:
        return Failed(message=f"{error.code}: {error}; {tally}")
    except TransientError as error:
        if start is not None:  # a back-fill goes on by itself; what is scheduled comes again anyway
            await go_back(error if isinstance(error, NotReady) else NotReady(f"{error.code}: {error}"))
        return Failed(message=f"{error.code}: {error}; {tally}")
    await _report(interval, tally, restarted)
    return _final_state(tally, restarted)


async def _reconcile(interval: Interval, checkpoint: Checkpoint | None, tally: Tally) -> None:
    done_until = await checkpoint.read() if checkpoint else None
    todo = list(pieces(interval, services().settings.reconcile_lookback, done_until))
    progress = Progress("reconcile-progress", len(todo), "intervals reconciled")
    await progress.start()
    sweeper = Sweeper(tally)
    for piece in todo:
        await sweeper.sweep(piece)
        await progress.add(1)
        if checkpoint:
            await checkpoint.note(piece.end)
    if checkpoint:
        await checkpoint.clear()


async def _report(interval: Interval, tally: Tally, restarted: Restarted) -> None:
    counts = [f"| {name} | {tally[name]} |" for name in Tally.COUNTED]
    named = [f"| {name} | `{id_}` |" for name, id_ in tally.named]
    lines = [
        f"# {interval.start:%Y-%m-%d %H:%M} to {interval.end:%Y-%m-%d %H:%M} UTC",
        f"{restarted}.",
        "",
        "| conversations | |",
        "| --- | --- |",
        *counts,
    ]
    if named:
        lines += ["", "| the first of them | interaction |", "| --- | --- |", *named]
    await acreate_markdown_artifact("\n".join(lines), key="reconcile", description=str(tally))


def _final_state(tally: Tally, restarted: Restarted) -> State[Any]:
    if tally["failed"]:
        return Failed(message=f"{tally['failed']} conversations are in quarantine; {tally}; {restarted}")
    return Completed(message=f"{tally}; {restarted}")
