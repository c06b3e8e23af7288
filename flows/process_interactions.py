"""The flow that every event takes: validate, process, save."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic.json_schema import SkipJsonSchema

from flows.pipeline import run_pipeline
from flows.reports.outcomes import report
from flows.runs.current_run import batch_run_name, run_id
from flows.runs.recovery import completed_before_loss, quarantine_crash_looping
from flows.runs.schedule import reschedule_current_run, schedule_deferred
from flows.runs.timeouts import PROCESS, rescheduled_after, run_timeout
from tasks.errors import DependencyUnavailable
from tasks.events import EventTexts, unpacked
from tasks.options import NO_RESULTS
from tasks.pipeline.work import PipelineRun
from tasks.settings import task_policy


@flow(name=PROCESS, flow_run_name=batch_run_name, persist_result=False, result_storage=NO_RESULTS)
async def process_interactions(
    events: EventTexts, attempt: SkipJsonSchema[int] = 1, throttled: SkipJsonSchema[int] = 0
) -> State[Any]:
    """Take a batch of interaction events through validate, process and save.

    The form has the events alone: the others are between this flow's own runs.

    Args:
        events: The events, each one EventBridge event (or a tutorial's) as JSON text; or many packed into one.
        attempt: How often these interactions have been asked for, this time included.
        throttled: Earlier attempts that Genesys throttled; they do not count towards DEFERRAL_LIMIT.
    """
    try:
        async with rescheduled_after(run_timeout(PROCESS, task_policy())):
            if ended := await completed_before_loss():
                return ended
            texts = unpacked(events)
            if quarantined := await quarantine_crash_looping(texts):
                return await report(quarantined)
            result = await run_pipeline(texts, PipelineRun(run_id(), "live", attempt, throttled))
            await schedule_deferred(result.deferred)
            return await report(result.outcomes, result.needs_attention)
    except DependencyUnavailable as error:
        await reschedule_current_run(error)
