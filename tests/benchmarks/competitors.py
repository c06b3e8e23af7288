"""The competitors: their processes, how they get a burst, and when they are done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol, Self

from deployments.resources import STOCK_POOL, WARM_POOL
from deployments.sandbox import servers
from deployments.sandbox.processes import Child
from tests.benchmarks.bench_sandbox import BenchSandbox
from tests.benchmarks.competitor_process import CompetitorProcess

FLOW = "process-interactions"
_POLL = 0.5  # seconds between two queries for unfinished runs, each of which costs the server some work


class Competitor(Protocol):
    """A competitor that waits for bursts; a context manager."""

    key: str
    label: str
    max_burst: int
    """The largest burst that is run; larger ones are extrapolated."""

    def __enter__(self) -> Self:
        """Start its processes."""
        ...

    def __exit__(self, *_: object) -> None: ...

    @property
    def own(self) -> Sequence[int]:
        """The ids of its own root processes."""
        ...

    @property
    def server(self) -> Sequence[int]:
        """The ids of the root processes of its server, if it needs one."""
        ...

    def load(self, events: list[str]) -> None:
        """Load a burst without starting it."""
        ...

    def start(self) -> None:
        """Start the burst."""
        ...

    def finish(self) -> None:
        """Wait until nothing of the burst is left to do."""
        ...


class ScriptCompetitor:
    """A competitor that is one process, a module of this folder."""

    max_burst = 10_000

    def __init__(
        self, bench: BenchSandbox, key: str, label: str, module: str, *, limited: bool, bucket: bool = False
    ) -> None:
        self.key, self.label = key, label
        self.bench = bench
        self.bucket = bucket
        self._module = module
        self._environment = bench.environment(limited=limited, bucket=bucket)

    def __enter__(self) -> Self:
        """Start the process."""
        log = self.bench.sandbox.folder / f"logs/{self._module}.log"
        self.process = CompetitorProcess(f"tests.benchmarks.{self._module}", self.environment(), log)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    def environment(self) -> dict[str, str]:
        """Return the process's environment."""
        return self._environment

    @property
    def own(self) -> Sequence[int]:
        """The one process."""
        return [self.process.pid]

    @property
    def server(self) -> Sequence[int]:
        """None."""
        return []

    def load(self, events: list[str]) -> None:
        """Load a burst without starting it."""
        self.process.load(events)

    def start(self) -> None:
        """Start the burst."""
        self.process.start()

    def finish(self) -> None:
        """Wait until the process reports the end."""
        self.process.finish()


class Pipeline(ScriptCompetitor):
    """The bridge, a worker of one of the two pools, and the Prefect server."""

    def __init__(
        self,
        bench: BenchSandbox,
        key: str,
        label: str,
        pool: str = WARM_POOL,
        *,
        limited: bool,
        bucket: bool = False,
    ) -> None:
        super().__init__(bench, key, label, "feeder", limited=limited, bucket=bucket)
        self._pool, self._limited = pool, limited
        self.worker: Child

    def __enter__(self) -> Self:
        """Start bridge and worker, at the limit that is to hold: a worker keeps one for LIMIT_CACHE seconds."""
        self.bench.reset(limited=self._limited)
        self.bench.make_pool(self._pool)
        self.bench.move("process-interactions/live", self._pool, "live")
        sandbox = self.bench.sandbox
        environment = self.environment() | {"INTERACTIONS_POOL": self._pool}
        self.worker = servers.worker(sandbox.folder, environment, self._pool, 1, self._adopt)
        super().__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.bench.sandbox.children.pop(self.worker.name).stop()

    @property
    def own(self) -> Sequence[int]:
        """The bridge and the worker."""
        return [self.process.pid, self.worker.pid]

    @property
    def server(self) -> Sequence[int]:
        """Prefect's server."""
        return [self.bench.pid("prefect")]

    def finish(self) -> None:
        """Wait until every run has ended."""
        super().finish()
        await_runs(self.bench, FLOW)

    def _adopt(self, child: Child) -> Child:
        self.bench.sandbox.children[child.name] = child
        return child


def await_runs(bench: BenchSandbox, flow: str) -> None:
    """Wait until every run of a flow has ended."""
    while bench.unfinished(flow):
        time.sleep(_POLL)


def stock_pool_pipeline(bench: BenchSandbox, *, limited: bool) -> Pipeline:
    """Return the pipeline on Prefect's own process pool."""
    return Pipeline(bench, "b", "stock process pool", STOCK_POOL, limited=limited)
