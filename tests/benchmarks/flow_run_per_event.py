"""A competitor: Prefect with one flow run per event, on a process worker of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import requests
from prefect.workers.process import ProcessWorker

from deployments.sandbox import servers
from deployments.sandbox.processes import Child
from tests.benchmarks.bench_sandbox import BenchSandbox
from tests.benchmarks.competitors import ScriptCompetitor, await_runs

_POOL = "benchmark"
_NAME = "one-event"


class FlowRunPerEvent(ScriptCompetitor):
    """The feeder, a worker that starts a process for each run, and the Prefect server."""

    def __init__(self, bench: BenchSandbox, max_burst: int, *, limited: bool) -> None:
        super().__init__(bench, "c", "Prefect, a run each", "event_feeder", limited=limited)
        self.max_burst = max_burst
        self.worker: Child

    def __enter__(self) -> Self:
        """Deploy the flow, start its worker and the feeder."""
        self._deployment = self._deploy()
        folder = self.bench.sandbox.folder
        environment = self.environment() | {"BENCHMARK_WINDOW_STORE": "table"}
        self.worker = servers.worker(folder, environment, _POOL, 1, self._adopt)
        super().__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.bench.sandbox.children.pop(self.worker.name).stop()

    def environment(self) -> dict[str, str]:
        """Return the environment, with the deployment's id."""
        return super().environment() | {"BENCHMARK_DEPLOYMENT": self._deployment}

    @property
    def own(self) -> Sequence[int]:
        """The feeder and the worker, with the processes of its runs."""
        return [self.process.pid, self.worker.pid]

    @property
    def server(self) -> Sequence[int]:
        """Prefect's server."""
        return [self.bench.pid("prefect")]

    def finish(self) -> None:
        """Wait until every run has ended."""
        super().finish()
        await_runs(self.bench, _NAME)

    def _adopt(self, child: Child) -> Child:
        self.bench.sandbox.children[child.name] = child
        return child

    def _deploy(self) -> str:
        template = ProcessWorker.get_default_base_job_template()
        pool = {"name": _POOL, "type": "process", "base_job_template": template}
        requests.post(f"{self.bench.api}/work_pools/", json=pool, timeout=30)  # an error means that it exists
        flow = self._post("/flows/", {"name": _NAME})
        step = {"prefect.deployments.steps.set_working_directory": {"directory": str(servers.ROOT)}}
        deployment = {
            "name": _NAME,
            "flow_id": flow["id"],
            "work_pool_name": _POOL,
            "entrypoint": "tests/benchmarks/event_flow.py:one_event",
            "pull_steps": [step],
        }
        return str(self._post("/deployments/", deployment)["id"])

    def _post(self, path: str, body: dict[str, object]) -> dict[str, object]:
        answer = requests.post(f"{self.bench.api}{path}", json=body, timeout=30)
        answer.raise_for_status()
        found: dict[str, object] = answer.json()
        return found
