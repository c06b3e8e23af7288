"""A run whose worker dies again and again: after a few times its events go to quarantine, not round for ever."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.batch import run_id
from flows.recovery import ending_before_loss, times_lost
from tasks.batch import Processed, Work
from tasks.bootstrap import services
from tasks.errors import PermanentError
from tasks.outcomes import Outcome
from tasks.process import in_thread
from tasks.quarantine import quarantine
from tasks.save import Saving, save
from tasks.validate import validate


class WorkerLost(PermanentError):
    """The worker died each time that it ran this batch."""

    code = "worker-lost"


async def ended_already() -> State[Any] | None:
    """The state to return to, when this run had ended before it was taken for lost; None for every other run."""
    if flow_run.id is None or flow_run.run_count <= 1:
        return None
    ending = await ending_before_loss(UUID(flow_run.id))
    return None if ending is None else State(type=ending.type, name=ending.name, message=ending.message)


async def quarantine_if_lost(events: list[str]) -> list[Outcome]:
    """The outcomes of a batch that has cost too many workers; empty for every other run."""
    if flow_run.id is None or flow_run.run_count <= 1:
        return []
    limit = services().settings.lost_worker_limit
    if await times_lost(UUID(flow_run.id)) <= limit:
        return []
    validated = await validate(events)
    outcomes = await quarantine(validated.rejections, run_id()) if validated.rejections else []
    saving = await save(Saving(await _given_up(validated.works, limit + 1), run_id(), 1))
    return [*outcomes, *(outcome for each in saving.outcomes.values() for outcome in each)]


async def _given_up(works: list[Work], deaths: int) -> Processed:
    """The interactions as failed, except those that this run had stored before a worker of it died."""
    given, ids = services(), [work.interaction_id for work in works]
    done = await in_thread(given.storing, lambda: given.interactions.done_by(run_id(), ids))
    error = WorkerLost(f"the worker died {deaths} times with this batch in hand; replay it in small parts")
    processed = Processed({}, frozenset())
    for work in works:
        if work.interaction_id in done:
            processed.ignored.append((work, "this run stored it before its worker died"))
        else:
            processed.failed.append((work, error))
    return processed
