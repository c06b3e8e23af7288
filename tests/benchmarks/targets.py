"""Targets as ratios within one benchmark, each reached or not; nothing fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.benchmarks.allowance import AllowanceUse
from tests.benchmarks.bench_sandbox import REQUEST_LIMIT
from tests.benchmarks.benchmark import Results
from tests.benchmarks.cost import Bill
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.growth import GrowthStage

BURST = 10_000
_USED = 0.97  # of Genesys's limit
_GROWTH, _SLACK_MB = 1.05, 10.0
_LEVEL = 1.1  # of the first stage's measurement
_LEVEL_MEASUREMENTS: dict[str, Callable[[GrowthStage], float]] = {
    "time an interaction": lambda stage: stage.each_ms,
    "CPU an interaction": lambda stage: stage.cpu_each_ms,
    "memory": lambda stage: stage.peak_mb,
}


@dataclass(frozen=True)
class TargetResult:
    """One target and its measurement."""

    claim: str
    measured: str
    reached: bool


def check_targets(results: Results) -> Iterator[TargetResult]:
    """Yield every target whose figures were measured."""
    ours, floor = _figure(results, "this pipeline"), _figure(results, "floor")
    yield from _compared(ours, floor, _figure(results, "DBOS, per 100 events"))
    if ours and (staged := _figure(results, "this pipeline + S3", bucket=True)):
        share = staged.rate / ours.rate
        yield TargetResult("with S3: at least 0.8 of the rate without", f"{share:.2f}", share >= 0.8)
    for label, least in (("DBOS, per event", 5), ("Prefect, a run each", 100)):
        if ours and (other := _figure(results, label)):
            times = other.cpu_each / ours.cpu_each
            claim = f"{label}: at least {least} times our CPU an interaction"
            yield TargetResult(claim, f"{times:.1f} ({_source(other)})", times >= least)
    if limited := _figure(results, "this pipeline", limited=True):
        yield TargetResult(
            "10,000, limit on: at most 110 requests", str(limited.requests), limited.requests <= 110
        )
        if ours:
            times = limited.seconds / ours.seconds
            yield TargetResult(
                "drained within 1.5 times the time without limit", f"{times:.2f}", times <= 1.5
            )
    if results.sustained:
        a_minute = results.sustained.requests / results.sustained.request_seconds * 60
        wanted = REQUEST_LIMIT * _USED
        claim = f"30,000, limit on: at least {wanted:.0f} requests a minute"
        yield TargetResult(claim, f"{a_minute:.0f}", a_minute >= wanted)
    yield from _allowance(results.allowance)
    yield from _single(results)
    yield from _memory(results)
    yield from _level(results.growth)
    yield from _cost(results.cost)


def _compared(ours: Figure | None, floor: Figure | None, dbos: Figure | None) -> Iterator[TargetResult]:
    """Yield how the burst without a limit compares with the floor, and with the peer of the same grain."""
    if ours and floor:
        share, times = ours.rate / floor.rate, ours.cpu_each / floor.cpu_each
        yield TargetResult(
            "10,000, limit off: at least 0.85 of the floor's rate", f"{share:.2f}", share >= 0.85
        )
        yield TargetResult("at most 3 times the floor's CPU an interaction", f"{times:.2f}", times <= 3)
    if ours and dbos:
        share, times = ours.rate / dbos.rate, ours.cpu_each / dbos.cpu_each
        yield TargetResult("at least the rate of DBOS, per 100 events", f"{share:.2f}", share >= 1)
        yield TargetResult(
            "at most its CPU an interaction, the servers' included", f"{times:.2f}", times <= 1
        )


def _allowance(found: list[AllowanceUse]) -> Iterator[TargetResult]:
    for each in found:
        claim = f"workers: {each.workers}, requests a minute: {_USED:.0%} of {REQUEST_LIMIT}, never above it"
        reached = each.a_minute >= REQUEST_LIMIT * _USED and each.most_in_window <= REQUEST_LIMIT
        yield TargetResult(claim, f"{each.a_minute:.1f}, at most {each.most_in_window} in 60 s", reached)


def _single(results: Results) -> Iterator[TargetResult]:
    if results.bridge:
        allowed = 3 * percentile(results.bridge["own calls"], 50) + 1
        took = percentile(results.bridge["bus to row"], 95)
        measured = f"p95 {took:.2f} s of {allowed:.2f} s"
        yield TargetResult(
            "a single event: at most 3 times its own calls and a second", measured, took <= allowed
        )


def _memory(results: Results) -> Iterator[TargetResult]:
    early = [mb for count, mb in results.memory if count >= BURST]
    if early and results.memory[-1][0] >= 5 * BURST:
        late = results.memory[-1][1]
        measured = f"{early[0]:.0f} MB, then {late:.0f} MB"
        claim = "the worker's memory does not grow from the 10th thousand to the 50th (5 % and 10 MB)"
        yield TargetResult(claim, measured, late <= early[0] * _GROWTH + _SLACK_MB)


def _level(stages: list[GrowthStage]) -> Iterator[TargetResult]:
    if len(stages) > 1:
        for name, measure in _LEVEL_MEASUREMENTS.items():
            times = max(measure(each) for each in stages[1:]) / measure(stages[0])
            claim = f"growth: {name} at most {_LEVEL} times that of {stages[0].events:,} interactions"
            yield TargetResult(claim, f"{times:.2f}", round(times, 9) <= _LEVEL)


def _cost(bills: list[Bill]) -> Iterator[TargetResult]:
    if len(bills) > 1:
        *ours, tutorial = (each.usd for each in bills)
        claim = "cost: a million interactions cost less than the tutorial's"
        yield TargetResult(claim, f"${max(ours):.2f} of ${tutorial:.2f}", max(ours) < tutorial)


def _figure(results: Results, label: str, *, limited: bool = False, bucket: bool = False) -> Figure | None:
    for each in results.figures:
        of_it = each.label == label and each.burst == BURST
        if of_it and each.limited == limited and each.bucket == bucket:
            return each
    return None


def _source(figure: Figure) -> str:
    return f"extrapolated from {figure.extrapolated_from}" if figure.extrapolated_from else "measured"
