"""What the warm worker asks the server for, and when it must not go on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from httpx import Response
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun

from deployments.worker.execution import FlowRunExecution
from deployments.worker.owner import Owner
from deployments.worker.scheduled import ScheduledRuns
from deployments.worker.worker import InteractionsWorker


class Server:
    """A server with scheduled runs, which answers with as many as it is asked for."""

    def __init__(self, *runs: FlowRun) -> None:
        self.runs = runs
        self.limits: list[int] = []

    async def request(self, _method: str, _path: str, *, json: dict[str, Any], **_: Any) -> Response:
        """Answer a poll."""
        self.limits.append(json["limit"])
        ids = {"work_pool_id": str(uuid4()), "work_queue_id": str(uuid4())}
        return Response(
            200, json=[ids | {"flow_run": run.model_dump(mode="json")} for run in self.runs][: json["limit"]]
        )


def run_due_in(seconds: float) -> FlowRun:
    """Return a run that is due then."""
    when = datetime.now(UTC) + timedelta(seconds=seconds)
    return FlowRun(flow_id=uuid4(), next_scheduled_start_time=when)


async def poll(server: Server, free: int, *in_hand: FlowRun) -> tuple[list[UUID], float | None]:
    """Return the ids of what is due, and when the next run is."""
    executions = {run.id: FlowRunExecution(run, Owner.new("worker")) for run in in_hand}
    due = await ScheduledRuns(None, 10).due(cast("PrefectClient", server), "pool", free, executions)
    return [run.id for run in due.now], due.next_in


async def test_a_poll_brings_what_can_be_taken_up() -> None:
    """Of 200 runs that are due, with their parameters, a worker with two places asks for three."""
    server = Server(*(run_due_in(-1) for _ in range(200)))
    found, _ = await poll(server, 2)
    assert found[:2] == [run.id for run in server.runs[:2]]
    assert server.limits == [3]


async def test_runs_that_are_being_claimed_hide_none() -> None:
    """The server still counts them as scheduled, so they are asked for on top."""
    claimed, *waiting = (run_due_in(-1) for _ in range(3))
    server = Server(claimed, *waiting)
    assert (await poll(server, 1, claimed))[0] == [run.id for run in waiting]
    assert server.limits == [3]


async def test_later_runs_hide_none_that_is_due() -> None:
    """When the first request brings too little, a second one looks behind it; the soonest later run is known."""
    server = Server(*(run_due_in(seconds) for seconds in (900, 500, 900, 900)), run_due_in(-1))
    found, next_in = await poll(server, 2)
    assert found == [server.runs[-1].id]
    assert next_in is not None
    assert 300 < next_in <= 500
    assert server.limits == [3, 12]


async def test_a_worker_does_not_go_on_without_one_of_its_services() -> None:
    """What has ended one of them is raised by the next poll, which ends the worker."""
    worker = InteractionsWorker("pool")

    async def fails() -> None:
        raise ZeroDivisionError

    service = asyncio.create_task(fails())
    worker._services = [service]  # noqa: SLF001 - of ours; it is otherwise filled by a server's answer
    await asyncio.wait([service])
    with pytest.raises(ZeroDivisionError):
        await worker.get_and_submit_flow_runs()
