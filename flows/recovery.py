"""How often a flow run was lost with its worker, so that a run which kills its worker is not for ever.

Automations schedule such runs again under the state names below (`deployments/automations.py`); the flow asks
at its start how often that happened, and gives up in time.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from httpx import HTTPError
from prefect import get_client
from prefect.client.schemas.objects import StateType

from tasks.errors import NotReady

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from prefect.client.schemas.objects import State

WORKER_LOST = "WorkerLost"
"""The run was Running, and its heartbeats ceased."""

STUCK_PENDING = "StuckPending"
"""A worker claimed the run and never began it."""

RUN_CRASHED = "RunCrashed"
"""The run's process ended without a result."""

LOSSES = frozenset({WORKER_LOST, STUCK_PENDING, RUN_CRASHED})
_TAKEN = frozenset({StateType.PENDING, StateType.RUNNING, StateType.CRASHED})
_IN_HAND = {
    WORKER_LOST: frozenset({StateType.RUNNING}),
    STUCK_PENDING: _TAKEN,
    RUN_CRASHED: _TAKEN,
}  # what the run must have been since the loss before, for another one to be the batch's doing
_FINISHED = frozenset({StateType.COMPLETED, StateType.FAILED})
_ENDINGS = frozenset({StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED})


async def times_lost(flow_run_id: UUID) -> int:
    """Return how often the run was lost since it was created, or since it last ended by itself.

    A run that ended (Completed, Failed or Cancelled) and was started again by a person begins at nought.
    """
    return count_losses(await _states(flow_run_id))


def count_losses(states: Iterable[State]) -> int:
    """Count the losses in a run's states, in whatever order, those before its last ending left out.

    A server that is behind with its events (after an outage) notices the same silence again and again: what no
    worker has had in hand since the last loss was not lost once more.
    """
    losses, since = 0, set[StateType]()
    for state in sorted(states, key=lambda state: state.timestamp):
        if state.type in _ENDINGS:
            losses, since = 0, set()
        elif state.name not in LOSSES:
            since.add(state.type)
        elif since & _IN_HAND[str(state.name)]:
            losses, since = losses + 1, set()
    return losses


async def ending_before_loss(flow_run_id: UUID) -> State | None:
    """Return the state in which the run had ended when it was taken for lost; None when it had not.

    An event that comes late (a heartbeat after the end, a start behind the end) looks like a silent worker.
    """
    return last_ending(await _states(flow_run_id))


async def _states(flow_run_id: UUID) -> list[State]:
    """Return the run's states; raises NotReady when the server does not tell, which must not cost the batch."""
    try:
        async with get_client() as client:
            return await client.read_flow_run_states(flow_run_id)
    except HTTPError as error:
        raise NotReady(f"Prefect does not tell the run's states ({type(error).__name__})") from None


def last_ending(states: Iterable[State]) -> State | None:
    """Return the ending that the last loss in a run's states follows directly, if it follows one."""
    ordered = _without_repeats(sorted(states, key=lambda state: state.timestamp))
    losses = [number for number, state in enumerate(ordered) if state.name in LOSSES]
    before = ordered[losses[-1] - 1] if losses and losses[-1] > 0 else None
    since = [state.name for state in ordered[losses[-1] + 1 :] if state.is_scheduled()] if losses else []
    return before if before is not None and before.type in _FINISHED and not since else None


def _without_repeats(ordered: list[State]) -> list[State]:
    """The states without a loss that directly follows another: the same one, noticed again."""
    repeats = {later.id for earlier, later in pairwise(ordered) if {earlier.name, later.name} <= LOSSES}
    return [state for state in ordered if state.id not in repeats]
