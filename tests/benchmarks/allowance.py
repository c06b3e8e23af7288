"""How much of Genesys's limit is used while there is work, by one worker and by two.

With ten interactions a request requests are what is scarce, not the CPU; so it may run on a machine that is busy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from deployments.resources import WARM_POOL
from deployments.sandbox import servers
from deployments.sandbox.processes import Child
from tests.benchmarks.bench_sandbox import REQUEST_LIMIT, BenchSandbox
from tests.benchmarks.competitors import Pipeline
from tests.benchmarks.measure import measure_burst
from tests.support.request_rate import requests_a_minute

EVENTS = 9_500  # 950 requests: three windows, and the beginning of the next
WORKERS = (1, 2)
_PER_REQUEST = 10

Progress = Callable[[str], None]


@dataclass(frozen=True)
class AllowanceUse:
    """What so many workers used of the limit."""

    workers: int
    requests: int
    a_minute: float
    most_in_window: int


class SmallRequests(Pipeline):
    """The pipeline with ten interactions a request, and so many workers."""

    def __init__(self, bench: BenchSandbox, workers: int) -> None:
        super().__init__(bench, "a", f"this pipeline, {workers} workers", limited=True)
        self._numbers = range(2, workers + 1)
        self._others: list[Child] = []

    def environment(self) -> dict[str, str]:
        """Return the environment of its processes."""
        return super().environment() | {"GENESYS_BATCH_SIZE": str(_PER_REQUEST)}

    def __enter__(self) -> Self:
        """Start the other workers, too."""
        super().__enter__()
        folder, environment = self.bench.sandbox.folder, self.environment()
        self._others = [
            servers.worker(folder, environment, WARM_POOL, each, self._adopt) for each in self._numbers
        ]
        return self

    def __exit__(self, *error: object) -> None:
        for each in self._others:
            self.bench.sandbox.children.pop(each.name).stop()
        super().__exit__(*error)

    @property
    def own(self) -> Sequence[int]:
        """The bridge and the workers."""
        return [*super().own, *(each.pid for each in self._others)]


def measure_allowance(bench: BenchSandbox, events: int, report: Progress) -> Iterator[AllowanceUse]:
    """Yield the use by each number of workers."""
    for workers in WORKERS:
        report(f"{workers} workers: {events:,} events, {_PER_REQUEST} a request")
        with SmallRequests(bench, workers) as pipeline:
            figure = measure_burst(bench, pipeline, events, limited=True)
        rate = requests_a_minute(bench.moments(), REQUEST_LIMIT)
        yield AllowanceUse(workers, figure.requests, rate, figure.most_in_window)
