"""Who runs: for each, its processes, how a burst is given to it, and when it is done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol, Self

from deployments.resources import STOCK_POOL, WARM_POOL
from deployments.sandbox import servers
from deployments.sandbox.processes import Child
from tests.benchmarks.player import Player
from tests.benchmarks.stage import Stage

FLOW = "process-interactions"
_LOOK = 0.5  # seconds between two looks at whether all runs have ended: each costs the server some work


class Competitor(Protocol):
    """One that is up and waits for bursts; use as a context manager."""

    key: str
    label: str
    most: int
    """The largest burst that is really run; what is larger is extrapolated."""

    def __enter__(self) -> Self:
        """Start its processes."""
        ...

    def __exit__(self, *_: object) -> None: ...

    @property
    def own(self) -> Sequence[int]:
        """The roots of its own processes."""
        ...

    @property
    def server(self) -> Sequence[int]:
        """The roots of the server that it needs, if any."""
        ...

    def load(self, events: list[str]) -> None:
        """Take a burst, without beginning."""
        ...

    def start(self) -> None:
        """Begin."""
        ...

    def finish(self) -> None:
        """Wait for the end of everything that belongs to the burst."""
        ...


class Script:
    """A competitor that is one process of this folder."""

    most = 10_000

    def __init__(
        self, stage: Stage, key: str, label: str, module: str, *, limited: bool, bucket: bool = False
    ) -> None:
        self.key, self.label = key, label
        self.stage = stage
        self._module = module
        self._environment = stage.environment(limited=limited, bucket=bucket)

    def __enter__(self) -> Self:
        """Start the process."""
        log = self.stage.sandbox.folder / f"logs/{self._module}.log"
        self.player = Player(f"tests.benchmarks.{self._module}", self.environment(), log)
        return self

    def __exit__(self, *_: object) -> None:
        self.player.stop()

    def environment(self) -> dict[str, str]:
        """The process's environment."""
        return self._environment

    @property
    def own(self) -> Sequence[int]:
        """The one process."""
        return [self.player.pid]

    @property
    def server(self) -> Sequence[int]:
        """None."""
        return []

    def load(self, events: list[str]) -> None:
        """Take a burst, without beginning."""
        self.player.load(events)

    def start(self) -> None:
        """Begin."""
        self.player.start()

    def finish(self) -> None:
        """Wait for the script's word."""
        self.player.finish()


class Pipeline(Script):
    """The bridge, a worker of one of the two pools, and the Prefect server."""

    def __init__(
        self,
        stage: Stage,
        key: str,
        label: str,
        pool: str = WARM_POOL,
        *,
        limited: bool,
        bucket: bool = False,
    ) -> None:
        super().__init__(stage, key, label, "feeder", limited=limited, bucket=bucket)
        self._pool = pool
        self.worker: Child

    def __enter__(self) -> Self:
        """Start bridge and worker."""
        self.stage.move("process-interactions/live", self._pool, "live")
        sandbox = self.stage.sandbox
        environment = self.environment() | {"INTERACTIONS_POOL": self._pool}
        self.worker = servers.worker(sandbox.folder, environment, self._pool, 1, self._adopt)
        super().__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.stage.sandbox.children.pop(self.worker.name).stop()

    @property
    def own(self) -> Sequence[int]:
        """The bridge and the worker, with whatever it starts."""
        return [self.player.pid, self.worker.pid]

    @property
    def server(self) -> Sequence[int]:
        """Prefect."""
        return [self.stage.pid("prefect")]

    def finish(self) -> None:
        """Wait until no run is left."""
        super().finish()
        await_runs(self.stage, FLOW)

    def _adopt(self, child: Child) -> Child:
        self.stage.sandbox.children[child.name] = child
        return child


def await_runs(stage: Stage, flow: str) -> None:
    """Wait until every run of a flow has ended."""
    while stage.unfinished(flow):
        time.sleep(_LOOK)


def stock(stage: Stage, *, limited: bool) -> Pipeline:
    """The pipeline on Prefect's own process pool."""
    return Pipeline(stage, "b", "pipeline, stock process pool", STOCK_POOL, limited=limited)
