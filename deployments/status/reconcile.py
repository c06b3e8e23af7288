"""The last reconcile: when, and what it found."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter
from prefect.client.schemas.sorting import FlowRunSort

from deployments.status.finding import Finding, SourceStatus, age
from flows.runs.timeouts import RECONCILE

_STEP = "`interactions reconcile`; is its schedule on (Prefect UI, Deployments)?"


class Ended(NamedTuple):
    """A run that ended: its state's name and message, and when."""

    state: str
    message: str
    at: datetime


async def read(client: PrefectClient, allowed: float, now: datetime) -> SourceStatus:
    """Return the last reconcile that completed and the last that did not. Raises httpx's errors."""
    return judge(
        await _last(client, name=["Completed"]), await _last(client, type=["FAILED", "CRASHED"]), allowed, now
    )


async def _last(client: PrefectClient, **state: list[str]) -> Ended | None:
    """Return the last run in one of these states; one that was superseded is Completed by type, not by name."""
    states = {field: {"any_": values} for field, values in state.items()}
    runs = await client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[RECONCILE])),
        flow_run_filter=FlowRunFilter.model_validate({"state": states}),
        sort=FlowRunSort.END_TIME_DESC,
        limit=1,
    )
    for run in runs:
        if run.state and run.end_time:
            return Ended(run.state_name or "", run.state.message or "", run.end_time)
    return None


def judge(completed: Ended | None, failed: Ended | None, allowed: float, now: datetime) -> SourceStatus:
    """Return when it was and what it counted; a finding when that is too long ago (`allowed` seconds) or failed."""
    status = SourceStatus("reconcile")
    status.data = {
        "completedAt": completed.at if completed else None,
        "counts": completed.message if completed else None,
    }
    if completed is None:
        status.lines = ["none has completed"]
    else:
        status.lines = [f"completed {age(completed.at, now)} ago: {completed.message}"]
    if failed and (completed is None or failed.at > completed.at):
        status.data["failed"] = failed.message
        text = f"the last reconcile is {failed.state}: {failed.message}"
        step = "correct that, then `interactions reconcile`"
        status.findings.append(Finding("reconcile-failed", text, step, since=failed.at))
    elif completed is None:
        text = "no reconcile has completed: what never arrived is not found"
        status.findings.append(Finding("reconcile-missed", text, _STEP, level="watch"))
    elif now - completed.at > timedelta(seconds=allowed):
        text = "no reconcile has completed since then: what never arrived is not found"
        status.findings.append(Finding("reconcile-missed", text, _STEP, since=completed.at))
    return status
