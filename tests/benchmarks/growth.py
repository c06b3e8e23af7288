"""Ever more interactions through one worker and one server: time, CPU and memory must stay level.

The allowance does not bind. A stage is delivered in bursts of at most 10,000, so that the bridge's process does not
hold 300,000 events; each burst is measured as any other, and a stage is their sum. Nothing is deleted between them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]  # Prefect's own driver of Postgres

from tests.benchmarks.bench_sandbox import BenchSandbox
from tests.benchmarks.competitors import Pipeline
from tests.benchmarks.figures import Figure
from tests.benchmarks.measure import measure_burst

STAGES = (1_000, 10_000, 100_000, 300_000)
BURST = 10_000
WARM_UP = 100  # the worker has imported its flow, and the server has opened its connections

Progress = Callable[[str], None]


@dataclass(frozen=True)
class GrowthStage:
    """What a stage took; the database's size is the increase in its course."""

    events: int
    so_far: int  # interactions that worker and server have had in all, this stage included
    seconds: float
    cpu_seconds: float
    peak_mb: float
    database_bytes: int

    @property
    def each_ms(self) -> float:
        """Milliseconds per interaction."""
        return self.seconds / self.events * 1000

    @property
    def cpu_each_ms(self) -> float:
        """Milliseconds of CPU per interaction, the server's included."""
        return self.cpu_seconds / self.events * 1000

    @property
    def database_mb_per_million(self) -> float:
        """Megabytes by which a million interactions would enlarge Prefect's database."""
        return self.database_bytes / self.events


def measure_growth(bench: BenchSandbox, stages: Sequence[int], report: Progress) -> Iterator[GrowthStage]:
    """Yield each stage, measured on the same worker and server."""
    so_far = WARM_UP
    with Pipeline(bench, "a", "this pipeline", limited=False) as pipeline:
        measure_burst(bench, pipeline, WARM_UP, limited=False)
        for events in stages:
            report(f"growth: {events:,} events")
            before = database_bytes(bench.sandbox.database.url)
            figures = [measure_burst(bench, pipeline, size, limited=False) for size in burst_sizes(events)]
            so_far += events
            yield stage(figures, so_far, database_bytes(bench.sandbox.database.url) - before)


def burst_sizes(events: int) -> list[int]:
    """Return the bursts of a stage: full ones, then the rest."""
    full, rest = divmod(events, BURST)
    return [BURST] * full + ([rest] if rest else [])


def stage(figures: Sequence[Figure], so_far: int, grown: int) -> GrowthStage:
    """Return a stage of its bursts' figures: their sums, and the largest of their peaks."""
    return GrowthStage(
        events=sum(each.burst for each in figures),
        so_far=so_far,
        seconds=sum(each.seconds for each in figures),
        cpu_seconds=sum(each.own_cpu + each.server_cpu for each in figures),
        peak_mb=max(each.own_mb + each.server_mb for each in figures),
        database_bytes=grown,
    )


def database_bytes(url: str) -> int:
    """Return the size of Prefect's database: Postgres says it, SQLite's is that of its files."""
    if url.startswith("sqlite"):
        file = Path(url.partition("///")[2])
        return sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*"))
    return asyncio.run(_postgres_bytes(urlsplit(url)._replace(scheme="postgresql").geturl()))


async def _postgres_bytes(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("select pg_database_size(current_database())"))
    finally:
        await connection.close()
