"""Which bursts are run, by whom and how often; small ones several times, for their medians."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.benchmarks import durable, one_run_each
from tests.benchmarks.accounting import resident
from tests.benchmarks.competitors import Competitor, Pipeline, Script, stock
from tests.benchmarks.figures import Figure, extrapolated, middle
from tests.benchmarks.measure import burst
from tests.benchmarks.stage import ALLOWED, Stage

ORDER = "adbec"  # the ones that matter most first
SUSTAINED = 30_000
MORE = 10_000  # with the bursts before, one worker has then had 50,000
_REPEATED = 100  # the largest burst that is run three times

Say = Callable[[str], None]


@dataclass
class Wanted:
    """What to run."""

    only: str = ORDER
    bursts: tuple[int, ...] = (1, 100, 1_000, 10_000)
    limits: tuple[bool, ...] = (False, True)
    repeats: int = 3
    runs_each: int = 20  # events of the largest burst with one Prefect flow run for each
    sustained: bool = True
    bucket: bool = True


@dataclass
class Found:
    """Everything measured."""

    figures: list[Figure] = field(default_factory=list)
    sustained: Figure | None = None
    bridge: dict[str, list[float]] = field(default_factory=dict)
    worker: int = 0  # the process that `memory` is about
    memory: list[tuple[int, float]] = field(
        default_factory=list
    )  # interactions so far, the worker's RSS in MB


def run(stage: Stage, wanted: Wanted, found: Found, say: Say) -> None:
    """Run every competitor through its bursts, one after the other, into `found`.

    One that is extrapolated anyway is not run once more under the limit.
    """
    for key in (each for each in ORDER if each in wanted.only):
        for limited in wanted.limits:
            for make in _makers(stage, key, wanted, limited=limited):
                competitor = make()
                if limited and (known := _largest_extrapolated(found, competitor.label)):
                    found.figures += _beyond(known, wanted, limited=True)
                else:
                    with competitor:
                        _all_bursts(stage, competitor, wanted, found, say, limited=limited)
        if wanted.bucket and key in "ad" and False in wanted.limits:
            _with_bucket(stage, key, wanted, found, say)


def _largest_extrapolated(found: Found, label: str) -> Figure | None:
    """The largest burst that was really run by one whose larger ones were extrapolated."""
    mine = [each for each in found.figures if each.label == label]
    if not any(each.extrapolated_from for each in mine):
        return None
    return max((each for each in mine if not each.extrapolated_from), key=lambda each: each.burst)


def _beyond(known: Figure, wanted: Wanted, *, limited: bool) -> list[Figure]:
    """The bursts that are too large to be run."""
    larger = [count for count in wanted.bursts if count > known.burst]
    return [extrapolated(known, count, limited=limited, allowed=ALLOWED) for count in larger]


def _makers(stage: Stage, key: str, wanted: Wanted, *, limited: bool) -> Iterator[Callable[[], Competitor]]:
    match key:
        case "a":
            yield lambda: Pipeline(stage, "a", "this pipeline", limited=limited)
        case "b":
            yield lambda: stock(stage, limited=limited)
        case "c":
            yield lambda: one_run_each.OneRunEach(stage, wanted.runs_each, limited=limited)
        case "d":
            yield lambda: Script(stage, "d", "floor: a plain script", "floor", limited=limited)
        case _:
            yield lambda: durable.Durable(stage, "event", limited=limited)
            yield lambda: durable.Durable(stage, "batch", limited=limited)


def _all_bursts(
    stage: Stage, competitor: Competitor, wanted: Wanted, found: Found, say: Say, *, limited: bool
) -> None:
    for count in _counts(competitor, wanted, limited=limited):
        figure = _repeated(stage, competitor, count, wanted, say, limited=limited)
        found.figures.append(figure)
        _note_memory(competitor, count * figure.repeats, found)
    if competitor.most < max(wanted.bursts):
        found.figures += _beyond(found.figures[-1], wanted, limited=limited)
    if limited and competitor.key == "a" and wanted.sustained:
        say(f"{competitor.label}: {SUSTAINED:,} events, limit on")
        found.sustained = burst(stage, competitor, SUSTAINED, limited=True)
        _note_memory(competitor, SUSTAINED, found)
        say(f"{competitor.label}: {MORE:,} events more, for the worker's memory")
        burst(stage, competitor, MORE, limited=True)
        _note_memory(competitor, MORE, found)


def _counts(competitor: Competitor, wanted: Wanted, *, limited: bool) -> list[int]:
    """The bursts it is given; one that cannot take the largest is given as many as it can."""
    largest = max(wanted.bursts)
    if competitor.most < largest:
        return [*(count for count in wanted.bursts if count < competitor.most), competitor.most]
    return [largest] if limited and competitor.key in "be" else list(wanted.bursts)


def _repeated(
    stage: Stage, competitor: Competitor, count: int, wanted: Wanted, say: Say, *, limited: bool
) -> Figure:
    repeats = wanted.repeats if count <= _REPEATED and not limited else 1
    if competitor.key == "c":  # a run takes seconds
        repeats = 1
    say(f"{competitor.label}: {count:,} events, limit {'on' if limited else 'off'}, {repeats} x")
    return middle([burst(stage, competitor, count, limited=limited) for _ in range(repeats)])


def _note_memory(competitor: Competitor, count: int, found: Found) -> None:
    if isinstance(competitor, Pipeline) and competitor.key == "a":
        if competitor.worker.pid != found.worker:
            found.worker, found.memory = competitor.worker.pid, []
        so_far = found.memory[-1][0] if found.memory else 0
        found.memory.append((so_far + count, resident(competitor.worker.pid)))


def _with_bucket(stage: Stage, key: str, wanted: Wanted, found: Found, say: Say) -> None:
    """One row with the whole conversation written to S3 besides."""
    count = max(wanted.bursts)
    name = "this pipeline" if key == "a" else "floor: a plain script"
    competitor: Competitor = (
        Pipeline(stage, key, f"{name}, with S3", limited=False, bucket=True)
        if key == "a"
        else Script(stage, key, f"{name}, with S3", "floor", limited=False, bucket=True)
    )
    say(f"{competitor.label}: {count:,} events, limit off")
    with competitor:
        found.figures.append(burst(stage, competitor, count, limited=False, bucket=True))
