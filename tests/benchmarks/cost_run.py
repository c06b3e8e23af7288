"""Count the AWS calls of this pipeline and of the tutorial's for the same number of events, and price them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

from deployments.sandbox import servers
from tests.benchmarks.aws_calls import FILE, read_calls
from tests.benchmarks.bench_sandbox import BenchSandbox
from tests.benchmarks.competitors import Competitor, Pipeline, ScriptCompetitor, await_runs
from tests.benchmarks.cost import Bill, Indexes, bill, fargate, quantities
from tests.benchmarks.cost_feeder import QUEUE
from tests.benchmarks.measure import measure_burst

EVENTS = 10_000
WARM_UP = 100  # what is called once at a process's start is not counted
BRIDGE_MB, BRIDGE_ARCHITECTURE = 512, "arm"  # of infra/template.yaml
TASK_VCPU, TASK_GB = 1.0, 2.0  # of infra/worker.yaml
TASKS = 2  # the worker and Prefect's server
TUTORIAL_MB, TUTORIAL_ARCHITECTURE = 128, "x86"  # SAM's defaults: its template says nothing
_COUNTING = Path(__file__).parent / "counting"

Progress = Callable[[str], None]


class CountedPipeline(Pipeline):
    """The pipeline behind a real queue; bridge and worker count their calls."""

    def __init__(self, bench: BenchSandbox, calls: Path, label: str, *, bucket: bool) -> None:
        super().__init__(bench, "a", label, limited=False, bucket=bucket)
        self._module = "cost_feeder"
        queue = bench.sandbox.client("sqs").create_queue(QueueName="benchmark-cost")["QueueUrl"]
        self._counting = _counting(calls) | {QUEUE: queue}

    def environment(self) -> dict[str, str]:
        """Return the environment of bridge and worker."""
        return super().environment() | self._counting


class CountedTutorial(ScriptCompetitor):
    """The tutorial's functions in a process that counts its calls."""

    def __init__(self, bench: BenchSandbox, calls: Path) -> None:
        super().__init__(bench, "t", "the tutorial's pipeline", "tutorial_script", limited=False)
        self._counting = _counting(calls)

    def environment(self) -> dict[str, str]:
        """Return the process's environment."""
        return super().environment() | self._counting


def _counting(calls: Path) -> dict[str, str]:
    return {"PYTHONPATH": f"{_COUNTING}:{servers.ROOT}", FILE: str(calls)}


def measure_cost(bench: BenchSandbox, events: int, report: Progress) -> Iterator[Bill]:
    """Yield the bills: records only, with S3 and the analytics tables, and the tutorial's."""
    indexes = _indexes(bench)
    for bucket, label in ((False, "records only"), (True, "with S3 and SQL tables")):
        calls = bench.sandbox.folder / f"calls-{label.split()[0]}.jsonl"
        report(f"cost: this pipeline, {label}, {events:,} events")
        seconds = _counted(bench, CountedPipeline(bench, calls, label, bucket=bucket), events, calls)
        needed = quantities(read_calls(calls), indexes, lambda_mb=BRIDGE_MB, architecture=BRIDGE_ARCHITECTURE)
        needed.update(fargate(seconds, TASKS, vcpu=TASK_VCPU, gb=TASK_GB) | {"eventbridge-event": events})
        yield bill(label, events, needed)
    calls = bench.sandbox.folder / "calls-tutorial.jsonl"
    report(f"cost: the tutorial's pipeline, {events:,} events")
    _counted(bench, CountedTutorial(bench, calls), events, calls)
    needed = quantities(read_calls(calls), {}, lambda_mb=TUTORIAL_MB, architecture=TUTORIAL_ARCHITECTURE)
    yield bill("the tutorial's", events, needed | {"eventbridge-event": events})


def _counted(bench: BenchSandbox, competitor: Competitor, events: int, calls: Path) -> float:
    """Run a burst, and publish what it has staged; return the seconds of the burst. `calls` then has its calls only."""
    with competitor:
        measure_burst(bench, competitor, WARM_UP, limited=False)
        _publish(bench, competitor)
        calls.unlink(missing_ok=True)
        seconds = measure_burst(bench, competitor, events, limited=False).seconds
        _publish(bench, competitor)
    return seconds


def _publish(bench: BenchSandbox, competitor: Competitor) -> None:
    if isinstance(competitor, Pipeline) and competitor.bucket and servers.can_publish():
        url = f"{bench.api}/deployments/{bench.deployment('publish-interactions/publish')}/create_flow_run"
        requests.post(url, json={}, timeout=60).raise_for_status()
        await_runs(bench, "publish-interactions")


def _indexes(bench: BenchSandbox) -> Indexes:
    """Return the key attributes of every index of the sandbox's tables."""
    found: dict[str, list[list[str]]] = {}
    for name in bench.database.list_tables()["TableNames"]:
        table: dict[str, Any] = bench.database.describe_table(TableName=name)["Table"]
        found[name] = [
            [key["AttributeName"] for key in index["KeySchema"]]
            for index in table.get("GlobalSecondaryIndexes", [])
        ]
    return found
