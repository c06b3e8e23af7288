"""Prefect with one flow run per event, on a stock process worker: as a competitor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import requests

from deployments.sandbox import servers
from deployments.sandbox.processes import Child
from tests.benchmarks.competitors import Script, await_runs
from tests.benchmarks.stage import Stage

_POOL = "benchmark"
_NAME = "one-event"


class OneRunEach(Script):
    """The feeder, a worker with a process for each run, and the Prefect server."""

    def __init__(self, stage: Stage, most: int, *, limited: bool) -> None:
        super().__init__(stage, "c", "Prefect, one flow run per event", "event_feeder", limited=limited)
        self.most = most
        self.worker: Child

    def __enter__(self) -> Self:
        """Deploy the flow, start its worker, then what creates runs."""
        self._deployment = self._deploy()
        folder = self.stage.sandbox.folder
        environment = self.environment() | {"BENCHMARK_LEDGER": "table"}
        self.worker = servers.worker(folder, environment, _POOL, 1, self._adopt)
        super().__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.stage.sandbox.children.pop(self.worker.name).stop()

    def environment(self) -> dict[str, str]:
        """The environment, with the deployment."""
        return super().environment() | {"BENCHMARK_DEPLOYMENT": self._deployment}

    @property
    def own(self) -> Sequence[int]:
        """The feeder and the worker, with every process that it starts."""
        return [self.player.pid, self.worker.pid]

    @property
    def server(self) -> Sequence[int]:
        """Prefect."""
        return [self.stage.pid("prefect")]

    def finish(self) -> None:
        """Wait until no run is left."""
        super().finish()
        await_runs(self.stage, _NAME)

    def _adopt(self, child: Child) -> Child:
        self.stage.sandbox.children[child.name] = child
        return child

    def _deploy(self) -> str:
        pool = {"name": _POOL, "type": "process", "base_job_template": self._template()}
        requests.post(f"{self.stage.api}/work_pools/", json=pool, timeout=30)  # there already: nothing to do
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

    def _template(self) -> dict[str, object]:
        answer = requests.get(f"{self.stage.api}/work_pools/interactions-process", timeout=30)
        template: dict[str, object] = answer.json()["base_job_template"]
        return template

    def _post(self, path: str, body: dict[str, object]) -> dict[str, object]:
        answer = requests.post(f"{self.stage.api}{path}", json=body, timeout=30)
        answer.raise_for_status()
        found: dict[str, object] = answer.json()
        return found
