"""What is to be reached, as ratios within one run; a line for each, reached or not. Nothing is asserted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.plan import Found

BURST = 10_000
_GROWTH, _SLACK_MB = 1.05, 10.0


@dataclass(frozen=True)
class Target:
    """One line."""

    claim: str
    measured: str
    reached: bool


def targets(found: Found) -> Iterator[Target]:
    """Every target whose figures were measured."""
    ours, floor = _figure(found, "this pipeline"), _figure(found, "floor: a plain script")
    if ours and floor:
        share, times = ours.rate / floor.rate, ours.cpu_each / floor.cpu_each
        yield Target("10,000, limit off: at least half the floor's rate", f"{share:.2f}", share >= 0.5)
        yield Target("at most 3 times the floor's CPU an interaction", f"{times:.2f}", times <= 3)
    for label, least in (("DBOS, one workflow per event", 5), ("Prefect, one flow run per event", 100)):
        if ours and (other := _figure(found, label)):
            times = other.cpu_each / ours.cpu_each
            claim = f"{label}: at least {least} times our CPU an interaction"
            yield Target(claim, f"{times:.1f} ({_source(other)})", times >= least)
    if limited := _figure(found, "this pipeline", limited=True):
        yield Target("10,000, limit on: at most 110 requests", str(limited.requests), limited.requests <= 110)
        if ours:
            times = limited.seconds / ours.seconds
            yield Target("drained within 1.5 times the time without limit", f"{times:.2f}", times <= 1.5)
    if found.sustained:
        a_minute = found.sustained.requests / found.sustained.asking * 60
        yield Target("30,000, limit on: at least 240 requests a minute", f"{a_minute:.0f}", a_minute >= 240)
    yield from _single(found)
    yield from _memory(found)


def _single(found: Found) -> Iterator[Target]:
    if found.bridge:
        allowed = 3 * percentile(found.bridge["own calls"], 50) + 1
        took = percentile(found.bridge["bus to row"], 95)
        measured = f"p95 {took:.2f} s of {allowed:.2f} s"
        yield Target("a single event: at most 3 times its own calls and a second", measured, took <= allowed)


def _memory(found: Found) -> Iterator[Target]:
    early = [mb for count, mb in found.memory if count >= BURST]
    if early and found.memory[-1][0] >= 5 * BURST:
        late = found.memory[-1][1]
        measured = f"{early[0]:.0f} MB, then {late:.0f} MB"
        claim = "the worker's memory does not grow from the 10th thousand to the 50th (5 % and 10 MB)"
        yield Target(claim, measured, late <= early[0] * _GROWTH + _SLACK_MB)


def _figure(found: Found, label: str, *, limited: bool = False) -> Figure | None:
    for each in found.figures:
        if each.label == label and each.burst == BURST and each.limited == limited and not each.bucket:
            return each
    return None


def _source(figure: Figure) -> str:
    return f"extrapolated from {figure.extrapolated_from}" if figure.extrapolated_from else "measured"
