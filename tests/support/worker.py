"""What the worker's tests share: a pool of their own on the real server, and real `prefect worker start`s."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.states import Scheduled
from prefect.workers.base import BaseWorker
from prefect.workers.process import ProcessWorker

from deployments.worker.worker import InteractionsWorker
from tests.support.prefect_server import PrefectServer, process

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from prefect.client.schemas.objects import FlowRun, State

PROBES = "tests.support.probe_flows"
TYPES: dict[str, type[BaseWorker[Any, Any, Any]]] = {
    "interactions": InteractionsWorker,
    "process": ProcessWorker,
}
FAST = {
    "WORKER_HEARTBEAT_SECONDS": "1",
    "WORKER_LOST_SECONDS": "6",
    "WORKER_DRAIN_SECONDS": "1",
    "WORKER_FLOW_PACKAGES": PROBES,
    "PREFECT_WORKER_QUERY_SECONDS": "60",
}
"""Heartbeats every second, of which six may be missed; the probe flows alone, which need no settings; and no poll in
place of an announcement."""


@dataclass
class Stand:
    """One work pool on one server."""

    server: PrefectServer
    pool: str
    type: str = "interactions"

    def client(self) -> PrefectClient:
        """Return a client of the server, to be entered."""
        return PrefectClient(self.server.api_url, auth_string=self.server.auth_string)

    async def create_pool(self) -> None:
        """Make the pool."""
        template = TYPES[self.type].get_default_base_job_template()
        async with self.client() as client:
            await client.create_work_pool(
                WorkPoolCreate(name=self.pool, type=self.type, base_job_template=template)
            )

    async def create_queue(self, name: str, priority: int) -> None:
        """Make a queue of the pool; the queue of priority 1 goes first."""
        async with self.client() as client:
            await client.create_work_queue(name=name, work_pool_name=self.pool, priority=priority)

    async def start(
        self, flow: str, when: datetime | None = None, queue: str | None = None, /, **parameters: Any
    ) -> UUID:
        """Deploy `flow` to the pool and create a run of it, due now or then; return the run's id."""
        deployment = await self.deploy(flow, queue, entrypoint=f"{PROBES}.{flow}")
        return await self.run(deployment, when, **parameters)

    async def deploy(self, flow: str, queue: str | None = None, /, **of: Any) -> UUID:
        """Deploy `flow` to the pool with what is given `of` it, its entrypoint first; return the deployment's id."""
        async with self.client() as client:
            return await client.create_deployment(
                flow_id=await client.create_flow_from_name(flow.replace("_", "-")),
                name=f"{self.pool}-{queue}" if queue else self.pool,
                work_queue_name=queue,
                work_pool_name=self.pool,
                **of,
            )

    async def run(self, deployment: UUID, when: datetime | None = None, /, **parameters: Any) -> UUID:
        """Create a run of the deployment, due now or then; return its id."""
        async with self.client() as client:
            run = await client.create_flow_run_from_deployment(
                deployment, parameters=parameters, state=Scheduled(scheduled_time=when)
            )
            return run.id

    async def read(self, run: UUID) -> FlowRun:
        """Return the run as the server knows it."""
        async with self.client() as client:
            return await client.read_flow_run(run)

    async def until(self, run: UUID, state: str, seconds: float = 120) -> FlowRun:
        """Wait until the run is in the state of that name."""
        async with self.client() as client:
            deadline = time.monotonic() + seconds
            while True:
                found = await client.read_flow_run(run)
                if found.state_name == state:
                    return found
                assert time.monotonic() < deadline, f"{found.name} is {found.state!r}, not {state}"
                await asyncio.sleep(0.2)

    async def history(self, run: UUID) -> list[str]:
        """Return the names of the run's states, the oldest first."""
        return [state.name or "" for state in await self.states(run)]

    async def states(self, run: UUID) -> list[State]:
        """Return the run's states, the oldest first."""
        async with self.client() as client:
            states = await client.read_flow_run_states(run)
        return sorted(states, key=lambda state: state.timestamp)

    async def logged(self, run: UUID, text: str, seconds: float = 60) -> str:
        """Wait for the run's log line that holds `text`, and return it."""
        wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run]))
        deadline = time.monotonic() + seconds
        async with self.client() as client:
            while True:
                lines = [log.message for log in await client.read_logs(wanted)]
                if found := [line for line in lines if text in line]:
                    return found[0]
                assert time.monotonic() < deadline, lines
                await asyncio.sleep(0.2)

    @contextmanager
    def worker(
        self,
        limit: int = 4,
        *,
        within: tuple[str, ...] = (),
        options: tuple[str, ...] = (),
        **environment: str,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run `prefect worker start` on the pool, with further options, `within` another command that executes it."""
        command = [
            *within,
            sys.executable,
            "-m",
            "prefect",
            "worker",
            "start",
            "--pool",
            self.pool,
            "--limit",
            str(limit),
            *options,
        ]
        log = self.server.home / f"worker-{self.pool}.log"
        with process(command, self.server.environment(**(FAST | environment)), log) as child:
            yield child


async def new_stand(server: PrefectServer, type_: str = "interactions") -> Stand:
    """Return a stand with a pool of its own."""
    stand = Stand(server, f"pool-{uuid4().hex[:8]}", type_)
    await stand.create_pool()
    return stand


async def eventually(check: Callable[[], Any], seconds: float = 60) -> None:
    """Wait until an async check answers something true."""
    deadline = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.2)
