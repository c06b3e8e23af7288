"""Runs that a worker claimed and never began, found by asking: an event that died with the server reports none.

The automation that schedules them again (`deployments/automations.py`) counts from the event of the claim. The server
keeps that in memory for a moment, so a server that is killed may know a run as Pending of which no automation hears.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.client.schemas import filters
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_logger
from prefect.states import Scheduled

from flows.runs.losses import STUCK_PENDING
from tasks.options import limited_client_retries

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun, State

_LIMIT = 20  # runs of one look, with all their parameters; the next look finds the others
_LOOKS = (
    0.4,
    0.55,
)  # of the time that a run may be Pending, between two looks; workers look at different times
_log = get_logger("worker.interactions")


async def reschedule_stuck_runs(
    client: PrefectClient,
    pool: str,
    in_hand: Collection[UUID],
    seconds: float,
    outages_noted: Callable[[], AbstractContextManager[None]],
) -> None:
    """Look again and again for runs of the pool that are Pending for `seconds`, other workers' too. Never returns."""
    while True:
        await asyncio.sleep(seconds * random.uniform(*_LOOKS))  # noqa: S311 - no secret
        with outages_noted(), limited_client_retries(1):
            for flow_run in await _pending(client, pool, seconds):
                if flow_run.id not in in_hand:
                    await _reschedule(client, flow_run)


async def _pending(client: PrefectClient, pool: str, seconds: float) -> list[FlowRun]:
    """Return runs that have been Pending for so many seconds."""
    before = datetime.now(UTC) - timedelta(seconds=seconds)
    found = await client.read_flow_runs(
        work_pool_filter=filters.WorkPoolFilter(name=filters.WorkPoolFilterName(any_=[pool])),
        flow_run_filter=filters.FlowRunFilter(
            state=filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=[StateType.PENDING]))
        ),
        limit=_LIMIT,
    )
    return [run for run in found if run.deployment_id and run.state and run.state.timestamp < before]


async def _reschedule(client: PrefectClient, flow_run: FlowRun) -> None:
    """Schedule the run again as the automation does, unless another worker or the automation just did."""
    with suppress(ObjectNotFound):  # it was deleted meanwhile
        now = await client.read_flow_run(flow_run.id)
        if now.state_id == flow_run.state_id:
            _log.warning("Flow run '%s' was claimed and never began, it is scheduled again", flow_run.id)
            state: State[None] = Scheduled(name=STUCK_PENDING, message="No worker began it.")
            await client.set_flow_run_state(flow_run.id, state, force=True)
