"""Events in Prefect's event stream, for notifications: failed outcomes, many rejections, more dead letters.

Prefect's open-source triggers compute no ratios, so the flows compute them, when there are rejections.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import boto3
from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
)
from prefect.client.schemas.objects import FlowRun
from prefect.events import emit_event
from prefect.runtime import flow_run
from prefect.variables import Variable

from flows.runs.timeouts import PROCESS
from tasks.pipeline.outcomes import Outcome, OutcomeKind, count_summaries
from tasks.services import get_services, in_thread

OUTCOMES_FAILED = "interactions.outcomes.failed"
REJECTIONS_HIGH = "interactions.rejections.high"
DEAD_LETTERS_GROWING = "interactions.dead-letters.growing"

LAST_COUNT = "interactions_dead_letters"
"""The Prefect variable that holds the number of dead letters at the last look."""

WINDOW = timedelta(minutes=15)
SHARE = 0.05  # of the window's events; more rejected ones than this are a sender's mistake
_MIN_EVENTS = 20  # in the window, for the share to be evaluated


async def emit_outcomes(outcomes: list[Outcome]) -> None:
    """Emit the events that this run's outcomes, with those of the last quarter of an hour, give cause for."""
    counts = Counter(outcome.kind for outcome in outcomes)
    if counts[OutcomeKind.FAILED]:
        emit(OUTCOMES_FAILED, {"failed": counts[OutcomeKind.FAILED], "events": len(outcomes)})
    if counts[OutcomeKind.REJECTED]:
        messages = (run.state.message for run in await _recent_runs() if run.state)
        window = count_summaries(messages) + counts
        events = window.total() - window[OutcomeKind.IGNORED]
        if events >= _MIN_EVENTS and window[OutcomeKind.REJECTED] / events > SHARE:
            emit(REJECTIONS_HIGH, {"rejected": window[OutcomeKind.REJECTED], "events": events})


async def _recent_runs() -> list[FlowRun]:
    """Return the runs that ended within the window, 200 at the most."""
    async with get_client() as client:
        return await client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[PROCESS])),
            flow_run_filter=FlowRunFilter(end_time=FlowRunFilterEndTime(after_=datetime.now(UTC) - WINDOW)),
        )


def emit(event: str, payload: dict[str, int]) -> None:
    """Emit an event about this run."""
    run = UUID(str(flow_run.id))
    emit_event(event, resource={"prefect.resource.id": f"prefect.flow-run.{run}"}, payload=payload)


async def report_dead_letters() -> int | None:
    """Return the number of dead letters; emit an event when there are more than at the last look.

    None when DEAD_LETTER_QUEUE_URL is not set or the queue cannot be asked: that is no reason to fail.
    """
    services = get_services()
    if not (url := services.settings.dead_letter_queue_url):
        return None
    try:
        count = await in_thread(services.store_pool, lambda: _messages(url))
    except Exception as error:  # noqa: BLE001 - the alarm on the queue does not depend on us
        get_run_logger().warning("the dead-letter queue cannot be asked (%s)", type(error).__name__)
        return None
    before = await Variable.aget(LAST_COUNT, default=0)
    if count > int(str(before)):
        emit(DEAD_LETTERS_GROWING, {"messages": count, "before": int(str(before))})
    if count != before:
        await Variable.aset(LAST_COUNT, count, overwrite=True)
    return count


def _messages(queue_url: str) -> int:
    """About how many messages a queue holds, as SQS says."""
    answer = boto3.client("sqs").get_queue_attributes(
        QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])
