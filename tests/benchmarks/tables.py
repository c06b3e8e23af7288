"""The tables of a benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table

from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.targets import TargetResult

_FLOOR = "d"


def bursts(figures: Sequence[Figure], *, limited: bool) -> Table:
    """Return a row for each burst and competitor; `~` marks extrapolations, CPU is that of 1,000 interactions."""
    title = "Genesys's limit on: 300 requests a minute" if limited else "Genesys's limit off"
    table = Table(title=title, caption="~ extrapolated; CPU is of 1,000 interactions, own processes + server")
    for heading in ("events", "who"):
        table.add_column(heading)
    for heading in (
        "drained s",
        "a second",
        "of floor",
        "requests",
        "most in 60 s",
        "CPU s",
        "of floor",
        "peak MB",
    ):
        table.add_column(heading, justify="right")
    rows = [each for each in figures if each.limited == limited]
    for figure in sorted(rows, key=lambda each: (each.burst, each.key, each.label)):
        table.add_row(*_cells(figure, _floor_of(figure, rows)))
    return table


def _floor_of(figure: Figure, rows: Iterable[Figure]) -> Figure | None:
    same = (figure.burst, figure.bucket)
    return next((each for each in rows if each.key == _FLOOR and (each.burst, each.bucket) == same), None)


def _cells(figure: Figure, floor: Figure | None) -> list[str]:
    thousands = figure.burst / 1000
    mark = "~" if figure.extrapolated_from else ""
    return [
        f"{figure.burst:,}",
        figure.label,
        f"{mark}{figure.seconds:.2f}",
        f"{mark}{figure.rate:.1f}",
        f"{figure.rate / floor.rate:.2f}" if floor else "-",
        f"{mark}{figure.requests:.0f}",
        f"{mark}{figure.most_in_window:.0f}",
        f"{figure.own_cpu / thousands:.2f} + {figure.server_cpu / thousands:.2f}",
        f"{figure.cpu_each / floor.cpu_each:.1f}" if floor and floor.cpu_each else "-",
        f"{figure.own_mb:.0f} + {figure.server_mb:.0f}",
    ]


def single(measured: dict[str, list[float]]) -> Table:
    """Return the percentiles of single events."""
    table = Table(title="Single events, one a second, settle delay 0, through bus, queue and Lambda")
    table.add_column("seconds")
    for heading in ("p50", "p95", "p99"):
        table.add_column(heading, justify="right")
    for name, values in measured.items():
        table.add_row(name, *(f"{percentile(values, percent):.3f}" for percent in (50, 95, 99)))
    return table


def verdicts(lines: Iterable[TargetResult]) -> Table:
    """Return the targets and whether they were reached."""
    table = Table(title="Targets")
    for heading in ("target", "measured", ""):
        table.add_column(heading)
    for line in lines:
        table.add_row(line.claim, line.measured, "reached" if line.reached else "[red]not reached[/red]")
    return table
