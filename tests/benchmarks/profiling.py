"""Where the time of a burst goes, in worker, Prefect server and bridge: `python -m tests.benchmarks.profiling`.

Sampling costs a little, so its own figures are no benchmark. Needs the right to look into processes (ptrace).
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

from deployments.sandbox.__main__ import ending_cleanly
from deployments.sandbox.stack import Sandbox
from tests.benchmarks import accounting
from tests.benchmarks.competitors import Pipeline
from tests.benchmarks.measure import burst
from tests.benchmarks.sampling import Parts, Sampler, shares
from tests.benchmarks.stage import ENVIRONMENT, Stage

FOLDER = Path(".sandbox")
RESULT = FOLDER / "profile.json"
_WARM_UP = 1_000
_WORKER: Parts = (
    ("writing new rows", ("tasks/stores/inserts.py",)),
    ("looking rows up, and rows as DynamoDB's JSON", ("tasks/stores/",)),
    ("deriving records", ("tasks/records/",)),
    ("asking Genesys and reading its answers", ("tasks/genesys/",)),
    ("reading events", ("tasks/events/",)),
    ("the steps around those", ("tasks/", "flows/")),
    ("taking up and executing runs", ("deployments/",)),
    ("Prefect's engine, logs and events", ("prefect/",)),
)
_SERVER: Parts = (
    ("events, task runs and automations", ("prefect/server/events/", "prefect/server/services/")),
    ("the API's routes and models", ("prefect/server/",)),
    ("building and reading SQL statements", ("sqlalchemy/", "aiosqlite/")),
    ("HTTP", ("fastapi/", "starlette/", "uvicorn/", "h11/")),
)
_BRIDGE: Parts = (
    ("slimming events", ("slim.py", "masking.py")),
    ("packing batches", ("packing.py",)),
    ("asking Prefect", ("prefect_api.py", "connection.py")),
    ("the handler", ("handler.py", "delivery.py")),
)
app = App(name="profiling", help=__doc__)


@app.default
def profile(*, events: int = 10_000) -> None:
    """Sample one burst without Genesys's limit, after a small one.

    Args:
        events: How many.
    """
    console = Console(width=100)
    folder = FOLDER / f"profile-{os.getpid()}"
    with (
        ending_cleanly(),
        Sandbox(folder, progress=console.print, workers=0, environment=ENVIRONMENT) as sandbox,
    ):
        stage = Stage(sandbox)
        stage.pause("reconcile-interactions/reconcile")
        with Pipeline(stage, "a", "this pipeline", limited=False) as pipeline:
            burst(stage, pipeline, _WARM_UP, limited=False)
            found = _sampled(stage, pipeline, events, folder)
    for process, (seconds, parts) in found.items():
        console.print(_table(process, seconds, parts))
    RESULT.write_text(json.dumps({"events": events} | found, indent=1) + "\n")
    shutil.rmtree(folder, ignore_errors=True)


def _sampled(
    stage: Stage, pipeline: Pipeline, events: int, folder: Path
) -> dict[str, tuple[float, dict[str, float]]]:
    """Each process's CPU-seconds, and the shares of its parts."""
    processes = {
        "worker": (pipeline.worker.pid, _WORKER),
        "Prefect's server": (stage.pid("prefect"), _SERVER),
        "bridge": (pipeline.player.pid, _BRIDGE),
    }
    before = {name: accounting.cpu([pid]) for name, (pid, _) in processes.items()}
    with ExitStack() as stack:
        samplers = {
            name: stack.enter_context(Sampler(pid, folder / f"{pid}.raw"))
            for name, (pid, _) in processes.items()
        }
        burst(stage, pipeline, events, limited=False)
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
