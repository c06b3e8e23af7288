"""Medians, percentiles and extrapolations of figures."""

from __future__ import annotations

from dataclasses import replace

from tests.benchmarks.figures import extrapolate, median_figure, percentile
from tests.support.benchmark_figures import MEASURED


def test_a_percentile_is_one_of_the_values() -> None:
    """Of sixty values the 99th percentile is the largest, the 50th the 30th."""
    values = [float(each) for each in range(60, 0, -1)]
    assert percentile(values, 50) == 30
    assert percentile(values, 95) == 57
    assert percentile(values, 99) == 60
    assert percentile([7.0], 50) == 7


def test_the_median_is_that_of_each_measurement() -> None:
    """One slow run of three does not change the median; the figure has the number of runs."""
    found = median_figure([MEASURED, replace(MEASURED, seconds=99.0), replace(MEASURED, own_cpu=1.0)])
    assert (found.seconds, found.own_cpu, found.repeats) == (10.0, 50.0, 3)


def test_an_extrapolation_is_proportional_and_marked() -> None:
    """A hundred times the events take a hundred times as long, at the same rate and CPU per interaction."""
    larger = extrapolate(MEASURED, 10_000, limited=False, allowed=300)
    assert larger.extrapolated_from == 100
    assert (larger.seconds, larger.requests) == (1000.0, 20_000)
    assert larger.rate == MEASURED.rate
    assert larger.cpu_each == MEASURED.cpu_each
    assert larger.own_mb == MEASURED.own_mb


def test_an_extrapolation_under_the_limit_allows_for_it() -> None:
    """20,000 requests at 300 a minute take 66 minutes, however fast the rest is."""
    larger = extrapolate(MEASURED, 10_000, limited=True, allowed=300)
    assert larger.seconds == 66 * 60
    assert larger.most_in_window == 300
    assert larger.limited
