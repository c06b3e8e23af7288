"""The benchmark's tables fit 100 columns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.benchmarks import tables
from tests.benchmarks.figures import Figure
from tests.benchmarks.targets import TargetResult
from tests.support.benchmark_figures import MEASURED, rendered

LABELS = {"a": "this pipeline + S3", "b": "stock process pool", "d": "floor", "e": "DBOS, per 100 events"}
# As slow and as large as anything in docs/benchmarks.md.
WIDEST = replace(
    MEASURED,
    burst=10_000,
    seconds=24_572.82,
    requests=20_000,
    most_in_window=300,
    own_cpu=36_375.0,
    server_cpu=5_005.0,
    own_mb=1064.4,
    server_mb=1415.1,
    extrapolated_from=20,
)


def figures(*, limited: bool) -> list[Figure]:
    """Return the widest figures of some competitors; the floor is the fastest."""
    found = [replace(WIDEST, key=key, label=label, limited=limited) for key, label in LABELS.items()]
    floor = replace(found[2], seconds=7.4, own_cpu=6.6, server_cpu=0.0, extrapolated_from=None)
    return [*found[:2], floor, *found[3:]]


@pytest.mark.parametrize("limited", [False, True])
def test_the_widest_rows_of_bursts_fit_100_columns(limited: bool) -> None:
    """No line of the table is longer, so that nothing is broken or cut."""
    lines = rendered(tables.bursts(figures(limited=limited), limited=limited))
    assert max(map(len, lines)) <= tables.WIDTH
    assert any("~24573" in line and "3638 + 500" in line for line in lines)


def test_only_limited_bursts_say_how_many_requests_a_minute_had() -> None:
    """Without a limit the column would say nothing."""
    found = [
        "60 s" in " ".join(rendered(tables.bursts(figures(limited=each), limited=each)))
        for each in (False, True)
    ]
    assert found == [False, True]


def test_a_long_claim_is_broken_not_cut() -> None:
    """At 100 columns every word of a target is printed."""
    claim = "the worker's memory does not grow from the 10th thousand to the 50th (5 % and 10 MB) " * 2
    verdict = TargetResult(claim, "200 MB, then 217 MB", reached=True)
    lines = rendered(tables.verdicts([verdict]), tables.WIDTH)
    assert set(claim.split()) <= set(" ".join(lines).split())


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.3804, "0.38"), (7.254, "7.25"), (98.71, "98.7"), (171.48, "171"), (24572.8, "24573")],
)
def test_a_number_has_no_more_decimals_than_it_deserves(value: float, text: str) -> None:
    """A measurement is not more precise than that."""
    assert tables.number(value) == text
