"""Abandoned runs: those that no worker works on and that no automation scheduled again.

The automations reschedule lost runs within seconds. This is for a run whose events the server dropped, or lost when
it died.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Scheduled

from flows.runs.losses import RUN_CRASHED, STUCK_PENDING, WORKER_LOST
from flows.runs.timeouts import FLOWS, run_timeout
from tasks.services import get_services
from tasks.settings import task_policy

_ABANDONED = {
    StateType.RUNNING: (WORKER_LOST, "It ran for longer than a run can."),
    StateType.PENDING: (STUCK_PENDING, "It was Pending for longer than a run can be."),
    StateType.CRASHED: (RUN_CRASHED, "It crashed and was not scheduled again."),
}


async def reschedule_abandoned_runs() -> int:
    """Schedule abandoned runs of every flow again; return their number.

    A run is abandoned that has been Running for longer than a run of its flow can, or Pending or Crashed for
    ABANDONED_AFTER seconds.
    """
    now, after = datetime.now(UTC), timedelta(seconds=get_services().settings.abandoned_after)
    policy, rescheduled = task_policy(), 0
    async with get_client() as client:
        for flow in FLOWS:
            running = after + timedelta(seconds=run_timeout(flow, policy) - policy.flow_timeout)
            for run in await _candidates(client, flow):
                longest = running if run.state and run.state.is_running() else after
                if run.state and run.deployment_id and now - run.state.timestamp > longest:
                    name, message = _ABANDONED[run.state.type]
                    state: State[None] = Scheduled(name=name, message=message)
                    await client.set_flow_run_state(run.id, state, force=True)
                    rescheduled += 1
    return rescheduled


async def _candidates(client: PrefectClient, flow: str) -> list[FlowRun]:
    """Return the flow's runs that may be abandoned, 200 at the most: the next reconcile sees the others."""
    states = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(_ABANDONED)))
    return await client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])),
        flow_run_filter=FlowRunFilter(state=states),
    )
