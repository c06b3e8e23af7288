"""Measure this pipeline and its competitors in one run: tables, targets, and `.sandbox/bench.json`."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from cyclopts import App
from rich.console import Console

from deployments.sandbox.sandbox import Sandbox
from deployments.sandbox.termination import exit_on_signals
from tests.benchmarks import allowance, cost_run, dbos_workflows, growth, single_events, tables
from tests.benchmarks.bench_sandbox import BenchSandbox
from tests.benchmarks.benchmark import Options, Progress, Results, run
from tests.benchmarks.conditions import conditions
from tests.benchmarks.cost import price_table
from tests.benchmarks.cost_chart import NAME, cost_chart
from tests.benchmarks.document import to_document, write_document
from tests.benchmarks.targets import check_targets

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
    stages: str = ",".join(map(str, growth.STAGES)),
    events: int = cost_run.EVENTS,
) -> None:
    """Measure.

    Args:
        only: Competitors: a this pipeline, b on the stock process pool, c Prefect with one flow run per event,
            d the floor (a plain script), e DBOS. Or a part of its own, which no full benchmark has: growth, cost
            or allowance.
        bursts: Numbers of events at once.
        limit: Genesys's request limit.
        repeats: How often a burst of up to 100 is run without a limit; the median counts.
        runs_each: The largest burst with one Prefect flow run for each event; larger ones are extrapolated.
        sustained: Run 30,000 events under the limit, too; by default only in a full benchmark.
        bucket: Run the largest burst with the bucket, too; by default only in a full benchmark.
        single: How many single events, one a second; by default 60 in a full benchmark, else none.
        stages: The numbers of interactions of the part growth.
        events: How many events the part cost counts.
    """
    if part := _part(only, [int(each) for each in stages.split(",")], events):
        _measure(part)
        return
    whole = only == "a,b,c,d,e" and bursts == "1,100,1000,10000" and limit == "both"
    options = Options(
        only=only.replace(",", ""),
        bursts=tuple(int(each) for each in bursts.split(",")),
        limits=_LIMITS[limit],
        repeats=repeats,
        runs_each=runs_each,
        sustained=whole if sustained is None else sustained,
        bucket=whole if bucket is None else bucket,
    )
    singles = (60 if whole else 0) if single is None else single
    _measure(lambda bench, results, report: _compete(bench, options, singles, results, report))


Part = Callable[[BenchSandbox, Results, Progress], None]


def _part(name: str, stages: list[int], events: int) -> Part | None:
    """Return the part of its own of this name, if there is one."""
    match name:
        case "growth":
            return lambda bench, results, report: _grow(bench, stages, results, report)
        case "cost":
            return lambda bench, results, report: results.cost.extend(
                cost_run.measure_cost(bench, events, report)
            )
        case "allowance":
            return lambda bench, results, report: results.allowance.extend(
                allowance.measure_allowance(bench, allowance.EVENTS, report)
            )
    return None


def _compete(bench: BenchSandbox, options: Options, singles: int, results: Results, report: Progress) -> None:
    if singles:
        report(f"single events: {singles}, one a second")
        results.bridge = single_events.measure_single_events(bench, singles)
    run(bench, options, results, report)


def _grow(bench: BenchSandbox, stages: list[int], results: Results, report: Progress) -> None:
    for stage in growth.measure_growth(bench, stages, report):
        results.growth.append(stage)


def _measure(perform: Part) -> None:
    console, began = Console(width=tables.WIDTH), time.monotonic()
    results = Results()

    def report(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.0f} s[/dim]  {text}", highlight=False)

    folder = FOLDER / f"bench-{os.getpid()}"
    try:
        with (
            exit_on_signals(),
            Sandbox(folder, progress=report, workers=0) as sandbox,
        ):
            bench = BenchSandbox(sandbox)
            bench.pause_schedules()
            perform(bench, results, report)
    finally:
        _show(console, results, time.monotonic() - began)
    shutil.rmtree(folder, ignore_errors=True)


def _show(console: Console, results: Results, seconds: float) -> None:
    """Print and write the results, also those of a run that ended early."""
    known = conditions(dbos_workflows.database())
    for limited in (False, True):
        if any(each.limited == limited for each in results.figures):
            console.print(tables.bursts(results.figures, limited=limited))
    if results.bridge:
        console.print(tables.single(results.bridge))
    if results.growth:
        console.print(tables.growth(results.growth))
    if results.cost:
        console.print(tables.cost(results.cost))
        caption = f"List prices of {price_table()['region']}, {price_table()['date']}"
        (FOLDER / f"{NAME}.svg").write_text(cost_chart(results.cost, caption))
    if results.memory:
        trail = ", ".join(f"{count:,}: {mb:.0f} MB" for count, mb in results.memory)
        console.print(f"Memory of this pipeline's worker after so many interactions: {trail}")
    lines = list(check_targets(results))
    console.print(tables.verdicts(lines))
    for name, text in known.items():
        console.print(f"{name}: {text}", highlight=False)
    write_document(to_document(results, lines, known, seconds), RESULT)
    console.print(f"{seconds:.0f} s; everything is in {RESULT}")


if __name__ == "__main__":
    app()
