"""What reconcile looks after besides: dead letters that grow in number, runs that nobody noticed to be dead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect import get_run_logger
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
from prefect.variables import Variable

from flows.erase_interactions import ERASE_TIMEOUT
from flows.recovery import RUN_CRASHED, STUCK_PENDING, WORKER_LOST
from flows.signals import DEAD_LETTERS_GROWING, emit
from tasks.bootstrap import services
from tasks.process import in_thread
from tasks.settings import task_policy
from tasks.stores import dead_letters

_ABANDONED = {
    StateType.RUNNING: (WORKER_LOST, "It ran for longer than a run can."),
    StateType.PENDING: (STUCK_PENDING, "It was Pending for longer than a run can be."),
    StateType.CRASHED: (RUN_CRASHED, "It crashed, and nobody started it again."),
}
_TIMEOUTS = {
    "process-interactions": task_policy().flow_timeout,
    "replay-interactions": task_policy().background_timeout,
    "reconcile-interactions": task_policy().background_timeout,
    "erase-interactions": ERASE_TIMEOUT,
}
KNOWN = "interactions_dead_letters"  # the Prefect variable that remembers the last count


async def watch_dead_letters() -> int | None:
    """The number of dead letters; emits an event when there are more than at the last look.

    None when DEAD_LETTER_QUEUE_URL is not set or the queue cannot be asked: watching is no reason to fail.
    """
    given = services()
    if not (url := given.settings.dead_letter_queue_url):
        return None
    try:
        count = await in_thread(given.storing, lambda: dead_letters.count(url))
    except Exception as error:  # noqa: BLE001 - the alarm on the queue does not depend on us
        get_run_logger().warning("the dead-letter queue cannot be asked (%s)", type(error).__name__)
        return None
    before = await Variable.aget(KNOWN, default=0)
    if count > int(str(before)):
        emit(DEAD_LETTERS_GROWING, {"messages": count, "before": int(str(before))})
    if count != before:
        await Variable.aset(KNOWN, count, overwrite=True)
    return count


async def revive() -> int:
    """Schedule again what nobody works at, whichever flow it is of: how many runs that were.

    That is what has been Running for longer than a run of its flow can, or has been Pending or crashed for
    REVIVE_AFTER seconds. The automations do this within seconds. This is for a run whose events the server
    dropped, or lost when it died.
    """
    now, after = datetime.now(UTC), timedelta(seconds=services().settings.revive_after)
    revived = 0
    async with get_client() as client:
        for flow, timeout in _TIMEOUTS.items():
            longest = after + timedelta(seconds=timeout - task_policy().flow_timeout)
            for run in await _abandoned(client, flow):
                patience = longest if run.state and run.state.is_running() else after
                if run.state and run.deployment_id and now - run.state.timestamp > patience:
                    name, message = _ABANDONED[run.state.type]
                    again: State[None] = Scheduled(name=name, message=message)
                    await client.set_flow_run_state(run.id, again, force=True)
                    revived += 1
    return revived


async def _abandoned(client: PrefectClient, flow: str) -> list[FlowRun]:
    """The flow's runs that may be abandoned, 200 at the most: what else there is comes next time."""
    states = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(_ABANDONED)))
    return await client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])),
        flow_run_filter=FlowRunFilter(state=states),
    )
