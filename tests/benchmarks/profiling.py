"""The shares of code parts in a burst's CPU time, by process: `python -m tests.benchmarks.profiling`.

Sampling costs CPU time itself, so its figures are no benchmark. It needs the right to trace processes (ptrace).
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path

from cyclopts import App
from rich.console import Console
from rich.table import Table

from deployments.sandbox.sandbox import Sandbox
from deployments.sandbox.termination import exit_on_signals
from tests.benchmarks import accounting
from tests.benchmarks.bench_sandbox import BenchSandbox
from tests.benchmarks.competitors import Pipeline
from tests.benchmarks.measure import measure_burst
from tests.benchmarks.sampling import CodeParts, Sampler, shares

FOLDER = Path(".sandbox")
RESULT = FOLDER / "profile.json"
_WARM_UP = 1_000
_WORKER: CodeParts = (
    ("writing new rows", ("tasks/stores/batch_insert.py",)),
    ("reading rows and converting them", ("tasks/stores/",)),
    ("deriving records", ("tasks/records/",)),
    ("requests to Genesys and their answers", ("tasks/genesys/",)),
    ("parsing events", ("tasks/events/",)),
    ("the tasks and flows around those", ("tasks/", "flows/")),
    ("polling for runs and executing them", ("deployments/",)),
    ("Prefect's engine, logs and events", ("prefect/",)),
)
_SERVER: CodeParts = (
    ("events, task runs and automations", ("prefect/server/events/", "prefect/server/services/")),
    ("the API's routes and models", ("prefect/server/",)),
    ("building and reading SQL statements", ("sqlalchemy/", "aiosqlite/", "asyncpg/")),
    ("HTTP", ("fastapi/", "starlette/", "uvicorn/", "h11/")),
)
_BRIDGE: CodeParts = (
    ("reducing events to allowed fields", ("allowlist.py", "grammar.py")),
    ("batching events", ("batching.py",)),
    ("requests to Prefect", ("prefect_api.py", "connection.py")),
    ("the handler", ("handler.py", "delivery.py")),
)
app = App(name="profiling", help=__doc__)


@app.default
def profile(*, events: int = 10_000) -> None:
    """Sample one burst without Genesys's limit, after a small one.

    Args:
        events: How many events the burst has.
    """
    console = Console(width=100)
    folder = FOLDER / f"profile-{os.getpid()}"
    with (
        exit_on_signals(),
        Sandbox(folder, progress=console.print, workers=0) as sandbox,
    ):
        bench = BenchSandbox(sandbox)
        bench.pause_schedules()
        with Pipeline(bench, "a", "this pipeline", limited=False) as pipeline:
            measure_burst(bench, pipeline, _WARM_UP, limited=False)
            found = _sampled(bench, pipeline, events, folder)
    for process, (seconds, parts) in found.items():
        console.print(_table(process, seconds, parts))
    RESULT.write_text(json.dumps({"events": events} | found, indent=1) + "\n")
    shutil.rmtree(folder, ignore_errors=True)


def _sampled(
    bench: BenchSandbox, pipeline: Pipeline, events: int, folder: Path
) -> dict[str, tuple[float, dict[str, float]]]:
    """Return each process's CPU-seconds, and the shares of its code parts."""
    processes = {
        "worker": (pipeline.worker.pid, _WORKER),
        "Prefect's server": (bench.pid("prefect"), _SERVER),
        "bridge": (pipeline.process.pid, _BRIDGE),
    }
    before = {name: accounting.cpu([pid]) for name, (pid, _) in processes.items()}
    with ExitStack() as stack:
        samplers = {
            name: stack.enter_context(Sampler(pid, folder / f"{pid}.raw"))
            for name, (pid, _) in processes.items()
        }
        measure_burst(bench, pipeline, events, limited=False)
        used = {name: accounting.cpu([pid]) - before[name] for name, (pid, _) in processes.items()}
    return {
        name: (used[name], shares(samplers[name].stacks, parts)) for name, (_, parts) in processes.items()
    }


def _table(process: str, seconds: float, parts: dict[str, float]) -> Table:
    table = Table(title=f"{process}: {seconds:.1f} CPU-seconds", width=70)
    table.add_column("part")
    table.add_column("share", justify="right")
    for name, share in parts.items():
        table.add_row(name, f"{share:.0%}")
    return table


if __name__ == "__main__":
    app()
