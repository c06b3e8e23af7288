"""Runs that nobody has in hand any more are scheduled again, by any live worker of their pool.

A run's state names its worker (`deployments/worker/owner.py`), and the server says when it last heard of each
(`deployments/worker/silences.py`). Nothing depends on events, which a server that dies or is overloaded loses or
brings late.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.client.schemas import filters
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_logger
from prefect.states import Scheduled

from deployments.worker.owner import Owner
from deployments.worker.silences import Silences
from flows.runs.losses import RUN_CRASHED, STUCK_PENDING, WORKER_LOST
from tasks.options import limited_client_retries

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun, State

    from deployments.worker.settings import WorkerSettings

_PAGE, _PAGES = 20, 10  # runs with all their parameters; what is left is for the next look
# Of `stuck_seconds`, between two looks while no worker goes: workers look at different times.
_LOOKS = (0.4, 0.55)
_STATES = filters.FlowRunFilterState(
    type=filters.FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CRASHED])
)
_MESSAGES = {
    WORKER_LOST: "Its worker has it no longer.",
    STUCK_PENDING: "No worker began it.",
    RUN_CRASHED: "Its process crashed.",
}
_log = get_logger("worker.interactions")


@dataclass
class LostRuns:
    """Looks for lost runs of `flows`, or of all without any, in the name of a worker, which has the runs `in_hand`."""

    client: PrefectClient
    pool: str
    owner: Owner
    in_hand: Collection[UUID]
    settings: WorkerSettings
    outages_noted: Callable[[], AbstractContextManager[None]]
    flows: Sequence[str] = ()
    _silences: Silences = field(init=False)
    _began: datetime | None = field(default=None, init=False)  # by the server's clock
    _gone: frozenset[str] = field(default=frozenset(), init=False)
    _look_at: float = field(default=0.0, init=False)  # by the monotonic clock

    def __post_init__(self) -> None:
        self._silences = Silences(self.owner.worker, self.settings.lost_beats)

    async def reschedule(self) -> None:
        """Send a heartbeat and look, again and again, also while the worker drains. Never returns."""
        while True:
            with self.outages_noted(), limited_client_retries(1):
                await self._beat()
            await asyncio.sleep(self.settings.heartbeat_seconds)

    async def _beat(self) -> None:
        """Send a heartbeat, and see whose cease; look for lost runs when it is time, or when a worker has gone."""
        await self.client.send_worker_heartbeat(self.pool, self.owner.worker, self.settings.heartbeat_seconds)
        now = self._silences.note(await self.client.read_workers_for_work_pool(self.pool))
        self._began = self._began or now
        gone = self._silences.gone
        if now and (not gone <= self._gone or time.monotonic() >= self._look_at):
            await self._look(now)
            self._gone = gone

    async def _look(self, now: datetime) -> None:
        known = set(self.in_hand)
        found = await self._runs()
        for flow_run in found:
            loss = self._loss(flow_run, now) if flow_run.id not in known else None
            if loss and flow_run.id not in self.in_hand:
                await self._reschedule(flow_run, loss)
        all_seen = len(found) < _PAGE * _PAGES
        pause = self.settings.stuck_seconds * random.uniform(*_LOOKS)  # noqa: S311 - no secret
        self._look_at = time.monotonic() + pause if all_seen else 0.0

    async def _runs(self) -> list[FlowRun]:
        """Return the pool's runs that are Pending, Running or Crashed, up to 200."""
        flows = filters.FlowFilter(name=filters.FlowFilterName(any_=list(self.flows))) if self.flows else None
        found: list[FlowRun] = []
        for page in range(_PAGES):
            part = await self.client.read_flow_runs(
                flow_filter=flows,
                work_pool_filter=filters.WorkPoolFilter(name=filters.WorkPoolFilterName(any_=[self.pool])),
                flow_run_filter=filters.FlowRunFilter(state=_STATES),
                limit=_PAGE,
                offset=page * _PAGE,
            )
            found += part
            if len(part) < _PAGE:
                break
        return found

    def _loss(self, flow_run: FlowRun, now: datetime) -> str | None:
        """Return the name of the state in which a run is to be scheduled again; None for one that is not lost."""
        state = flow_run.state
        if state is None or flow_run.deployment_id is None:
            return None
        age = now - state.timestamp
        if state.is_crashed():
            return RUN_CRASHED if age > timedelta(seconds=self.settings.crashed_seconds) else None
        owner = Owner.of(state)
        if owner is None:  # a worker of an earlier version, or a person: a Running one is left to reconcile
            is_lost = state.is_pending() and age > timedelta(seconds=self.settings.stuck_seconds)
        else:
            is_lost = self._has_lost_it(owner, state)
        return (STUCK_PENDING if state.is_pending() else WORKER_LOST) if is_lost else None

    def _has_lost_it(self, owner: Owner, state: State) -> bool:
        """Whether this worker, which does not have the run in hand, knows that its owner has not either."""
        if owner == self.owner:
            return True
        if owner.worker == self.owner.worker:  # which this one has replaced, unless it bears another's name
            return self._began is not None and state.timestamp < self._began
        return self._silences.is_gone(owner.worker)

    async def _reschedule(self, flow_run: FlowRun, loss: str) -> None:
        """Schedule the run again, unless its state has changed: another worker may just have done so."""
        with suppress(ObjectNotFound):  # it was deleted meanwhile
            now = await self.client.read_flow_run(flow_run.id)
            if now.state_id == flow_run.state_id:
                _log.warning("Flow run '%s' is scheduled again: %s", flow_run.id, _MESSAGES[loss])
                state: State[None] = Scheduled(name=loss, message=_MESSAGES[loss])
                await self.client.set_flow_run_state(flow_run.id, state, force=True)
