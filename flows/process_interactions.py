"""The flow that every event takes: validate, process, save."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.batch import run_batch
from flows.later import go_back, schedule_later
from flows.lost import ended_already, quarantine_if_lost
from flows.report import report, run_name
from tasks.errors import NotReady
from tasks.settings import task_policy


@flow(
    name="process-interactions",
    flow_run_name=run_name,
    timeout_seconds=task_policy().flow_timeout,
    persist_result=False,
)
async def process_interactions(events: list[str], attempt: int = 1, throttled: int = 0) -> State[Any]:
    """Take a batch of interaction events through validate, process and save.

    Args:
        events: The events, each one EventBridge event (or a tutorial's) as JSON text.
        attempt: How often these interactions have been asked for, this time included.
        throttled: How many of the times before Genesys's limits stood against; they cost no patience.
    """
    try:
        if ending := await ended_already():
            return ending
        if lost := await quarantine_if_lost(events):
            return await report(lost)
        batch = await run_batch(events, attempt, throttled=throttled)
    except NotReady as error:
        await go_back(error)
        raise
    await schedule_later(batch.deferred)
    return await report(batch.outcomes, batch.trouble)
