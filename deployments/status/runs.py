"""Prefect's runs: what is late, what gave itself back, what crashed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter

from deployments.status.finding import Finding, SourceStatus, counted
from deployments.waiting_runs import HOLDING, WaitingRun, WaitingRuns, interactions_in, waiting_runs
from flows.runs.timeouts import FLOWS
from infra.prefect_health import CRASHES, RECENT, code_of


async def read(client: PrefectClient, now: datetime) -> SourceStatus:
    """Return what waits and what crashed lately. Raises httpx's errors."""
    others = [flow for flow in FLOWS if flow not in HOLDING]
    held, due = await waiting_runs(client, HOLDING), await waiting_runs(client, others, due_before=now)
    crashed = await client.count_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=list(FLOWS))),
        flow_run_filter=FlowRunFilter.model_validate(
            {"state": {"name": {"any_": list(CRASHES)}}, "end_time": {"after_": now - RECENT}}
        ),
    )
    found = WaitingRuns(held.runs + due.runs, complete=held.complete and due.complete)
    return judge(found, crashed, now)


def judge(found: WaitingRuns, crashed: int, now: datetime) -> SourceStatus:
    """Return the facts, and a finding for each kind of run that does not go on."""
    retrying = [run for run in found.runs if run.awaits_retry]
    late = [run for run in found.runs if run.is_late(now) and not run.awaits_retry]
    started = [run for run in found.runs if run.started]
    later = [run for run in found.runs if run not in late and not run.started and not run.awaits_retry]
    groups = {"late": late, "awaiting retry": retrying, "running": started, "later": later}
    status = SourceStatus("runs")
    for name, runs in groups.items():
        status.data[_camel(name)] = {"runs": len(runs), "interactions": interactions_in(runs)}
    status.data |= {"complete": found.complete, "crashedLastHour": crashed}
    status.lines = [f"{_with_interactions(runs, found)} {name}" for name, runs in groups.items() if runs]
    status.lines = status.lines or ["none waits, none runs"]
    status.findings = [*_late(late, found), *_retrying(retrying, found), *_crashed(crashed)]
    return status


def _late(late: Sequence[WaitingRun], found: WaitingRuns) -> list[Finding]:
    if not late:
        return []
    queues = ", ".join(sorted({run.queue or "no queue" for run in late}))
    return [
        Finding(
            "runs-late",
            f"{_with_interactions(late, found)} late, in {queues}",
            "start a worker: `prefect worker start --pool interactions --limit 10`",
            len(late),
            min(run.due for run in late if run.due),
        )
    ]


def _retrying(retrying: Sequence[WaitingRun], found: WaitingRuns) -> list[Finding]:
    if not retrying:
        return []
    codes = sorted({code for run in retrying if (code := code_of(run.message))})
    since = [run.since for run in retrying if run.since]
    return [
        Finding(
            "runs-awaiting-retry",
            f"{_with_interactions(retrying, found)} cannot work and will be tried again: "
            f"{', '.join(codes) or 'no reason given'}",
            "see the reason in docs/operations.md, A run goes back",
            len(retrying),
            min(since, default=None),
        )
    ]


def _crashed(crashed: int) -> list[Finding]:
    if not crashed:
        return []
    text = f"{counted(crashed, 'run')} crashed or timed out in the last hour"
    return [
        Finding("runs-crashed", text, "look at their logs in the Prefect UI, Runs", crashed, level="watch")
    ]


def _with_interactions(runs: Sequence[WaitingRun], found: WaitingRuns) -> str:
    text = counted(len(runs), "run", at_least=not found.complete)
    inside = interactions_in(runs)
    return f"{text} with {counted(inside, 'interaction')}" if inside else text


def _camel(name: str) -> str:
    first, *rest = name.split()
    return first + "".join(word.capitalize() for word in rest)
