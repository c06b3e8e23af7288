"""What a flow run costs the warm worker and the server: `python -m tests.benchmarks.worker_cost`.

Runs of three tasks that do nothing, on a server of its own: single ones, then a hundred at once ten at a time, with one
event and with a thousand in each. CPU-seconds of the worker's and of the server's process tree, divided by the runs.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from prefect import __version__
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterName,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort

from deployments.worker.worker import InteractionsWorker
from tests.benchmarks.accounting import cpu
from tests.support.prefect_server import PrefectServer, process, running_server

FLOW = "tests.benchmarks.three_tasks.three_tasks"
POOL, LIMIT, BURST, LONE = "cost", 10, 100, 10
EVENT = json.dumps({"detail": "x" * 400})  # about what the bridge forwards of an event


async def measure(server: PrefectServer, worker: int) -> list[dict[str, float]]:
    """Return a row of figures for each size of run."""
    async with PrefectClient(server.api_url) as client:
        deployment = await client.create_deployment(
            flow_id=await client.create_flow_from_name("three-tasks"),
            name="cost",
            work_pool_name=POOL,
            entrypoint=FLOW,
            pull_steps=[],
        )
        await _seconds(client, deployment, 1, 1)  # the worker has started and has imported the flow
        return [await _row(client, deployment, events, worker, server.pid) for events in (1, 1000)]


async def _row(
    client: PrefectClient, deployment: UUID, events: int, worker: int, server: int
) -> dict[str, float]:
    lone = [await _seconds(client, deployment, events, 1) for _ in range(LONE)]
    before = cpu([worker]), cpu([server])
    burst = await _seconds(client, deployment, events, BURST)
    return {
        "events in a run": events,
        "lone run, s": statistics.median(lone),
        "burst, s": burst,
        "worker, CPU s a run": (cpu([worker]) - before[0]) / BURST,
        "server, CPU s a run": (cpu([server]) - before[1]) / BURST,
    }


async def _seconds(client: PrefectClient, deployment: UUID, events: int, count: int) -> float:
    """Return seconds from the creation of the first of so many runs to the end of the last."""
    name = f"cost-{time.time_ns()}"
    parameters = {"events": [EVENT] * events}
    began = time.time()
    await asyncio.gather(
        *(
            client.create_flow_run_from_deployment(deployment, parameters=parameters, name=name)
            for _ in range(count)
        )
    )
    ended = FlowRunFilter(
        name=FlowRunFilterName(any_=[name]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED])),
    )
    while (await _count(client, ended)) < count:  # noqa: ASYNC110 - the server is asked
        await asyncio.sleep(0.2 if count == 1 else 1.0)
    last = await client.read_flow_runs(flow_run_filter=ended, sort=FlowRunSort.END_TIME_DESC, limit=1)
    return (last[0].end_time.timestamp() if last[0].end_time else time.time()) - began


async def _count(client: PrefectClient, ended: FlowRunFilter) -> int:
    answer = await client.request(
        "POST", "/flow_runs/count", json={"flow_runs": ended.model_dump(mode="json")}
    )
    return int(answer.json())


@contextmanager
def _worker(server: PrefectServer) -> Iterator[int]:
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--limit", str(LIMIT)]
    environment = server.environment(WORKER_FLOW_PACKAGES="tests.benchmarks.three_tasks")
    with process(command, environment, server.home / "worker.log") as child:
        yield child.pid


async def _make_pool(server: PrefectServer) -> None:
    async with PrefectClient(server.api_url) as client:
        template = InteractionsWorker.get_default_base_job_template()
        await client.create_work_pool(
            WorkPoolCreate(name=POOL, type=InteractionsWorker.type, base_job_template=template)
        )


def main() -> None:
    """Measure, and print a line of JSON for each size of run."""
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as server:
        asyncio.run(_make_pool(server))
        with _worker(server) as worker:
            for row in asyncio.run(measure(server, worker)):
                figures = {name: round(each, 3) for name, each in row.items()}
                sys.stdout.write(json.dumps({"prefect": __version__} | figures) + "\n")


if __name__ == "__main__":
    main()
