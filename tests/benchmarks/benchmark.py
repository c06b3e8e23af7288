"""Run each competitor through its bursts; small ones several times, for their medians."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.benchmarks import dbos_workflows, flow_run_per_event
from tests.benchmarks.accounting import resident
from tests.benchmarks.allowance import AllowanceUse
from tests.benchmarks.bench_sandbox import REQUEST_LIMIT, BenchSandbox
from tests.benchmarks.competitors import Competitor, Pipeline, ScriptCompetitor, stock_pool_pipeline
from tests.benchmarks.cost import Bill
from tests.benchmarks.figures import Figure, extrapolate, median_figure
from tests.benchmarks.growth import GrowthStage
from tests.benchmarks.measure import measure_burst

ORDER = "adbec"  # the most important first
SUSTAINED = 30_000
AFTER_SUSTAINED = 10_000  # with the former bursts one worker has then processed 50,000
_REPEATED = 100  # the largest burst that is run three times

Progress = Callable[[str], None]


@dataclass
class Options:
    """The competitors, bursts and limits to run."""

    only: str = ORDER
    bursts: tuple[int, ...] = (1, 100, 1_000, 10_000)
    limits: tuple[bool, ...] = (False, True)
    repeats: int = 3
    runs_each: int = 20  # events of the largest burst with one Prefect flow run for each
    sustained: bool = True
    bucket: bool = True


@dataclass
class Results:
    """All measurements."""

    figures: list[Figure] = field(default_factory=list)
    sustained: Figure | None = None
    bridge: dict[str, list[float]] = field(default_factory=dict)
    worker: int = 0  # the process id that `memory` is about
    memory: list[tuple[int, float]] = field(default_factory=list)
    """Interactions so far, and the worker's RSS in MB."""
    growth: list[GrowthStage] = field(default_factory=list)
    allowance: list[AllowanceUse] = field(default_factory=list)
    cost: list[Bill] = field(default_factory=list)
    """The tutorial's is the last."""


def run(bench: BenchSandbox, options: Options, results: Results, report: Progress) -> None:
    """Run every competitor through its bursts, one after the other; add the figures to `results`.

    A competitor whose larger bursts are extrapolated is not run again under the limit.
    """
    for key in (each for each in ORDER if each in options.only):
        for limited in options.limits:
            for make in _makers(bench, key, options, limited=limited):
                competitor = make()
                if limited and (known := _largest_extrapolated(results, competitor.label)):
                    results.figures += _beyond(known, options, limited=True)
                else:
                    with competitor:
                        _all_bursts(bench, competitor, options, results, report, limited=limited)
        if options.bucket and key in "ad" and False in options.limits:
            _with_bucket(bench, key, options, results, report)


def _largest_extrapolated(results: Results, label: str) -> Figure | None:
    """Return the largest measured burst of a competitor whose larger ones were extrapolated."""
    mine = [each for each in results.figures if each.label == label]
    if not any(each.extrapolated_from for each in mine):
        return None
    return max((each for each in mine if not each.extrapolated_from), key=lambda each: each.burst)


def _beyond(known: Figure, options: Options, *, limited: bool) -> list[Figure]:
    """Return extrapolations for the bursts that are too large to be run."""
    larger = [count for count in options.bursts if count > known.burst]
    return [extrapolate(known, count, limited=limited, allowed=REQUEST_LIMIT) for count in larger]


def _makers(
    bench: BenchSandbox, key: str, options: Options, *, limited: bool
) -> Iterator[Callable[[], Competitor]]:
    match key:
        case "a":
            yield lambda: Pipeline(bench, "a", "this pipeline", limited=limited)
        case "b":
            yield lambda: stock_pool_pipeline(bench, limited=limited)
        case "c":
            yield lambda: flow_run_per_event.FlowRunPerEvent(bench, options.runs_each, limited=limited)
        case "d":
            yield lambda: ScriptCompetitor(bench, "d", "floor", "plain_script", limited=limited)
        case _:
            yield lambda: dbos_workflows.DbosWorkflows(bench, "event", limited=limited)
            yield lambda: dbos_workflows.DbosWorkflows(bench, "batch", limited=limited)


def _all_bursts(
    bench: BenchSandbox,
    competitor: Competitor,
    options: Options,
    results: Results,
    report: Progress,
    *,
    limited: bool,
) -> None:
    for count in _counts(competitor, options, limited=limited):
        figure = _repeated(bench, competitor, count, options, report, limited=limited)
        results.figures.append(figure)
        _note_memory(competitor, count * figure.repeats, results)
    if competitor.max_burst < max(options.bursts):
        results.figures += _beyond(results.figures[-1], options, limited=limited)
    if limited and competitor.key == "a" and options.sustained:
        report(f"{competitor.label}: {SUSTAINED:,} events, limit on")
        results.sustained = measure_burst(bench, competitor, SUSTAINED, limited=True)
        _note_memory(competitor, SUSTAINED, results)
        report(f"{competitor.label}: {AFTER_SUSTAINED:,} events more, for the worker's memory")
        measure_burst(bench, competitor, AFTER_SUSTAINED, limited=True)
        _note_memory(competitor, AFTER_SUSTAINED, results)


def _counts(competitor: Competitor, options: Options, *, limited: bool) -> list[int]:
    """Return the bursts to run; the last is the competitor's largest, if it cannot take the whole."""
    largest = max(options.bursts)
    if competitor.max_burst < largest:
        return [*(count for count in options.bursts if count < competitor.max_burst), competitor.max_burst]
    return [largest] if limited and competitor.key in "be" else list(options.bursts)


def _repeated(
    bench: BenchSandbox,
    competitor: Competitor,
    count: int,
    options: Options,
    report: Progress,
    *,
    limited: bool,
) -> Figure:
    repeats = options.repeats if count <= _REPEATED and not limited else 1
    if competitor.key == "c":  # a run takes seconds
        repeats = 1
    report(f"{competitor.label}: {count:,} events, limit {'on' if limited else 'off'}, {repeats} x")
    return median_figure([measure_burst(bench, competitor, count, limited=limited) for _ in range(repeats)])


def _note_memory(competitor: Competitor, count: int, results: Results) -> None:
    if isinstance(competitor, Pipeline) and competitor.key == "a":
        if competitor.worker.pid != results.worker:
            results.worker, results.memory = competitor.worker.pid, []
        so_far = results.memory[-1][0] if results.memory else 0
        results.memory.append((so_far + count, resident(competitor.worker.pid)))


def _with_bucket(bench: BenchSandbox, key: str, options: Options, results: Results, report: Progress) -> None:
    """Run the largest burst with the conversations staged in S3, too."""
    count = max(options.bursts)
    name = "this pipeline" if key == "a" else "floor"
    competitor: Competitor = (
        Pipeline(bench, key, f"{name} + S3", limited=False, bucket=True)
        if key == "a"
        else ScriptCompetitor(bench, key, f"{name} + S3", "plain_script", limited=False, bucket=True)
    )
    report(f"{competitor.label}: {count:,} events, limit off")
    with competitor:
        results.figures.append(measure_burst(bench, competitor, count, limited=False, bucket=True))
