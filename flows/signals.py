"""What a person may want to be told of: events in Prefect's event stream, which notifications listen to.

Prefect's open-source triggers compute no ratios, so the flows look themselves, and only when there is cause.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

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

from tasks.outcomes import Kind, Outcome, counted

OUTCOMES_FAILED = "interactions.outcomes.failed"
REJECTIONS_HIGH = "interactions.rejections.high"
DEAD_LETTERS_GROWING = "interactions.dead-letters.growing"

WINDOW = timedelta(minutes=15)
SHARE = 0.05  # of the window's events; more rejected ones than this are somebody's mistake
_LEAST_EVENTS = 20  # below this, a share says nothing


async def signal(outcomes: list[Outcome]) -> None:
    """Emit what this run's outcomes, with those of the last quarter of an hour, give cause for."""
    counts = Counter(outcome.kind for outcome in outcomes)
    if counts[Kind.FAILED]:
        emit(OUTCOMES_FAILED, {"failed": counts[Kind.FAILED], "events": len(outcomes)})
    if counts[Kind.REJECTED]:
        messages = (run.state.message for run in await _recent_runs() if run.state)
        window = counted(messages) + counts
        share = window[Kind.REJECTED] / window.total()
        if window.total() >= _LEAST_EVENTS and share > SHARE:
            emit(REJECTIONS_HIGH, {"rejected": window[Kind.REJECTED], "events": window.total()})


async def _recent_runs() -> list[FlowRun]:
    """The runs that ended within the window, 200 at the most."""
    async with get_client() as client:
        return await client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=["process-interactions"])),
            flow_run_filter=FlowRunFilter(end_time=FlowRunFilterEndTime(after_=datetime.now(UTC) - WINDOW)),
        )


def emit(event: str, payload: dict[str, int]) -> None:
    """Emit an event about this run."""
    run = UUID(str(flow_run.id))
    emit_event(event, resource={"prefect.resource.id": f"prefect.flow-run.{run}"}, payload=payload)
