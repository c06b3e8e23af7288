"""Lost runs: those whose worker died, that never began, or that crashed.

Automations and workers schedule such runs again under names of their own (`flows/runs/losses.py`). A run asks at its
start how often it was lost; after more than CRASH_LOOP_LIMIT losses its interactions are quarantined.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any
from uuid import UUID

from httpx import HTTPError
from prefect import get_client
from prefect.client.schemas.objects import State, StateType
from prefect.runtime import flow_run

from flows.runs.current_run import run_id
from flows.runs.losses import LOSSES, RUN_CRASHED, STUCK_PENDING, WORKER_LOST
from tasks.errors import DependencyUnavailable, WorkerLost
from tasks.pipeline.chunk_queue import ChunkQueue
from tasks.pipeline.outcomes import Outcome
from tasks.pipeline.work import Chunk, InteractionWork, PipelineRun, ProcessedChunk, SkipReason
from tasks.quarantine import quarantine
from tasks.save import save
from tasks.services import get_services, in_thread
from tasks.validate import validate

_CLAIMED = frozenset({StateType.PENDING, StateType.RUNNING, StateType.CRASHED})
_STATES_BEFORE_LOSS = {
    WORKER_LOST: frozenset({StateType.RUNNING}),
    STUCK_PENDING: _CLAIMED,
    RUN_CRASHED: _CLAIMED,
}  # one of which the run must have had since the previous loss, for this one to count
_FINISHED = frozenset({StateType.COMPLETED, StateType.FAILED})
_TERMINAL = frozenset({StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED})


async def completed_before_loss() -> State[Any] | None:
    """Return the state to end in when this run had ended before it was counted as lost; None for every other run."""
    if _is_first_try():
        return None
    state = state_before_loss(await _states(UUID(run_id())))
    return None if state is None else State(type=state.type, name=state.name, message=state.message)


async def quarantine_crash_looping(events: list[str]) -> list[Outcome]:
    """Return the outcomes of a batch whose worker died more than CRASH_LOOP_LIMIT times; empty for every other run."""
    limit = get_services().settings.crash_loop_limit
    if not await _is_crash_looping(limit):
        return []
    batch = await validate(events)
    outcomes = await quarantine(batch.rejections, run_id()) if batch.rejections else []
    chunk = Chunk(batch.works)
    queue = ChunkQueue([chunk])
    queue.put(chunk, await _failed(batch.works, limit + 1))
    queue.close()
    await save(queue, PipelineRun(run_id()))
    return [
        *outcomes,
        *(each for write in queue.writes for found in write.outcomes.values() for each in found),
    ]


async def fail_if_crash_looping() -> None:
    """Raise WorkerLost when the worker died more than CRASH_LOOP_LIMIT times during this run."""
    limit = get_services().settings.crash_loop_limit
    if await _is_crash_looping(limit):
        raise WorkerLost(f"the worker died {limit + 1} times during this run; ask for less at once")


def _is_first_try() -> bool:
    return flow_run.id is None or flow_run.run_count <= 1


async def _is_crash_looping(limit: int) -> bool:
    return not _is_first_try() and count_losses(await _states(UUID(run_id()))) > limit


async def _failed(works: list[InteractionWork], losses: int) -> ProcessedChunk:
    """Return the interactions as failed, except those that this run had stored before a worker of it died."""
    services, ids = get_services(), [work.interaction_id for work in works]
    stored = await in_thread(services.store_pool, lambda: services.interactions.handled_by_run(run_id(), ids))
    error = WorkerLost(f"the worker died {losses} times with this batch in hand; replay it in small parts")
    processed = ProcessedChunk({}, frozenset())
    for work in works:
        if work.interaction_id in stored:
            processed.skipped.append((work, SkipReason.STORED_BEFORE_LOSS))
        else:
            processed.failed.append((work, error))
    return processed


async def _states(flow_run_id: UUID) -> list[State]:
    """Return the run's states. Raises DependencyUnavailable when the server does not answer."""
    try:
        async with get_client() as client:
            return await client.read_flow_run_states(flow_run_id)
    except HTTPError as error:
        raise DependencyUnavailable(
            f"Prefect does not return the run's states ({type(error).__name__})"
        ) from None


def count_losses(states: Iterable[State]) -> int:
    """Return the number of losses in a run's states, in whatever order, since the run last ended by itself.

    A server that is behind with its events (after an outage) reports the same silence again and again: a run that
    no worker has claimed since the last loss was not lost once more.
    """
    losses, since = 0, set[StateType]()
    for state in sorted(states, key=lambda state: state.timestamp):
        if state.type in _TERMINAL:
            losses, since = 0, set()
        elif state.name not in LOSSES:
            since.add(state.type)
        elif since & _STATES_BEFORE_LOSS[str(state.name)]:
            losses, since = losses + 1, set()
    return losses


def state_before_loss(states: Iterable[State]) -> State | None:
    """Return the terminal state that the last loss in a run's states follows directly, if it follows one.

    An event that comes late (a heartbeat after the end, a start behind the end) looks like a silent worker.
    """
    ordered = _without_repeats(sorted(states, key=lambda state: state.timestamp))
    losses = [number for number, state in enumerate(ordered) if state.name in LOSSES]
    before = ordered[losses[-1] - 1] if losses and losses[-1] > 0 else None
    since = [state.name for state in ordered[losses[-1] + 1 :] if state.is_scheduled()] if losses else []
    return before if before is not None and before.type in _FINISHED and not since else None


def _without_repeats(ordered: list[State]) -> list[State]:
    """Return the states without a loss that directly follows another: the same loss, reported again."""
    repeats = {later.id for earlier, later in pairwise(ordered) if {earlier.name, later.name} <= LOSSES}
    return [state for state in ordered if state.id not in repeats]
