"""This pipeline beside other ways to do the same, in one run: tables, targets, and `.sandbox/bench.json`."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from cyclopts import App
from rich.console import Console

from deployments.sandbox.__main__ import ending_cleanly
from deployments.sandbox.stack import Sandbox
from tests.benchmarks import durable, plan, single_events, tables
from tests.benchmarks.conditions import conditions
from tests.benchmarks.stage import ENVIRONMENT, Stage
from tests.benchmarks.targets import targets

FOLDER = Path(".sandbox")
RESULT = FOLDER / "bench.json"
_LIMITS = {"off": (False,), "on": (True,), "both": (False, True)}
app = App(name="benchmarks", help=__doc__)


@app.default
def benchmark(
    *,
    only: str = "a,b,c,d,e",
    bursts: str = "1,100,1000,10000",
    limit: Literal["on", "off", "both"] = "both",
    repeats: int = 3,
    runs_each: int = 20,
    sustained: bool | None = None,
    bucket: bool | None = None,
    single: int | None = None,
) -> None:
    """Measure.

    Args:
        only: Who: a this pipeline, b on the stock process pool, c Prefect with one flow run per event,
            d the floor (a plain script), e DBOS.
        bursts: How many events at once.
        limit: Genesys's request limit.
        repeats: How often a burst of up to 100 is run without a limit; the median counts.
        runs_each: The largest burst with one Prefect flow run for each event; larger ones are extrapolated.
        sustained: Give 30,000 events under the limit, too; left out of a part.
        bucket: Run the largest burst with the bucket, too; left out of a part.
        single: How many single events, one a second; 60, none in a part.
    """
    whole = only == "a,b,c,d,e" and bursts == "1,100,1000,10000" and limit == "both"
    wanted = plan.Wanted(
        only=only.replace(",", ""),
        bursts=tuple(int(each) for each in bursts.split(",")),
        limits=_LIMITS[limit],
        repeats=repeats,
        runs_each=runs_each,
        sustained=whole if sustained is None else sustained,
        bucket=whole if bucket is None else bucket,
    )
    _measure(wanted, (60 if whole else 0) if single is None else single)


def _measure(wanted: plan.Wanted, singles: int) -> None:
    console, began = Console(width=140), time.monotonic()
    found = plan.Found()

    def say(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.0f} s[/dim]  {text}", highlight=False)

    folder = FOLDER / f"bench-{os.getpid()}"
    try:
        with (
            ending_cleanly(),
            Sandbox(folder, progress=say, workers=0, environment=ENVIRONMENT) as sandbox,
        ):
            stage = Stage(sandbox)
            stage.pause("reconcile-interactions/reconcile")
            if singles:
                say(f"single events: {singles}, one a second")
                found.bridge = single_events.measure(stage, singles)
            plan.run(stage, wanted, found, say)
    finally:
        _show(console, found, time.monotonic() - began)
    shutil.rmtree(folder, ignore_errors=True)


def _show(console: Console, found: plan.Found, seconds: float) -> None:
    """Print and write what there is, also of a run that ended early."""
    known = conditions(durable.store())
    for limited in (False, True):
        if any(each.limited == limited for each in found.figures):
            console.print(tables.bursts(found.figures, limited=limited))
    if found.bridge:
        console.print(tables.single(found.bridge))
    if found.memory:
        trail = ", ".join(f"{count:,}: {mb:.0f} MB" for count, mb in found.memory)
        console.print(f"Memory of this pipeline's worker after so many interactions: {trail}")
    lines = list(targets(found))
    console.print(tables.verdicts(lines))
    for name, text in known.items():
        console.print(f"{name}: {text}", highlight=False)
    result = asdict(found) | {"targets": [asdict(line) for line in lines], "conditions": known}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result | {"seconds": seconds}, indent=1) + "\n")
    console.print(f"{seconds:.0f} s; everything is in {RESULT}")


if __name__ == "__main__":
    app()
