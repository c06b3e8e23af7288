"""The scheduled runs of a work pool, as few of them as a worker can take up."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from prefect.client.schemas.responses import WorkerFlowRunResponse

from tasks.options import limited_client_retries

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun

    from deployments.worker.execution import FlowRunExecution

_EXTRA = 10  # runs of a second request beyond those that can be taken up


class DueRuns(NamedTuple):
    """The runs that are due, and seconds until the next one is; None when that is not known."""

    now: list[FlowRun]
    next_in: float | None


class ScheduledRuns:
    """Asks for what is scheduled until `look_ahead` seconds from now, in these queues of the pool or in all of them."""

    def __init__(self, queues: list[str] | None, look_ahead: float) -> None:
        self._queues = queues or []
        self._look_ahead = timedelta(seconds=look_ahead)

    async def due(
        self, client: PrefectClient, pool: str, free: int, in_hand: Mapping[UUID, FlowRunExecution]
    ) -> DueRuns:
        """Return what is due and not in hand, at least `free` runs if there are so many. Raises HTTPError.

        The client's own request brings 200 runs, with all their parameters: half a megabyte each in a burst. What
        fills ours without being wanted (later runs of a queue with priority, a run in hand that was taken for lost)
        may hide what is due: then a second request brings more. Runs that are being claimed count as scheduled.
        """
        limit = free + 1 + sum(not execution.is_claimed for execution in in_hand.values())
        found = await self._request(client, pool, limit)
        if len(found) == limit and len(_new(found, in_hand).now) < free:
            found = await self._request(client, pool, free + len(in_hand) + _EXTRA)
        return _new(found, in_hand)

    async def _request(self, client: PrefectClient, pool: str, limit: int) -> list[FlowRun]:
        before = datetime.now(UTC) + self._look_ahead
        with limited_client_retries(
            1
        ):  # a minute of retries would outlast an outage; one is for a CSRF token that has expired
            answer = await client.request(
                "POST",
                "/work_pools/{name}/get_scheduled_flow_runs",
                path_params={"name": pool},
                json={
                    "work_queue_names": self._queues,
                    "scheduled_before": before.isoformat(),
                    "limit": limit,
                },
            )
        return [each.flow_run for each in WorkerFlowRunResponse.model_validate_list(answer.json())]


def _new(found: list[FlowRun], in_hand: Mapping[UUID, FlowRunExecution]) -> DueRuns:
    waits = [(_seconds_until_due(run), run) for run in found if run.id not in in_hand]
    return DueRuns(
        now=[run for wait, run in waits if wait <= 0],
        next_in=min((wait for wait, _ in waits if wait > 0), default=None),
    )


def _seconds_until_due(flow_run: FlowRun) -> float:
    due = flow_run.next_scheduled_start_time
    return due.timestamp() - time.time() if due else 0.0
