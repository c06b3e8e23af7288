"""The tables of a benchmark: each fits 100 columns without a cell that is cut or broken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table

from tests.benchmarks.cost import Bill, price_table
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.growth import GrowthStage
from tests.benchmarks.targets import TargetResult

WIDTH = 100
_FLOOR = "d"


def plain_table(title: str, words: Sequence[str], numbers: Sequence[str], caption: str = "") -> Table:
    """Return a table without a frame: columns of words to the left, columns of numbers to the right."""
    table = Table(title=title, caption=caption or None, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in words:
        table.add_column(heading)
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table


def number(value: float) -> str:
    """Return a measurement with two decimals below 10, one below 100, and none from there on."""
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def bursts(figures: Sequence[Figure], *, limited: bool) -> Table:
    """Return a row for each burst and competitor; `~` marks extrapolations, CPU is that of 1,000 interactions."""
    title = "Genesys's limit on: 300 requests a minute" if limited else "Genesys's limit off"
    headings = ["drained\ns", "a\nsecond", "of\nfloor", "re-\nquests"]
    headings += ["most\nin\n60 s"] if limited else []
    headings += ["CPU s", "of\nfloor", "peak MB"]
    caption = "~ extrapolated; CPU is of 1,000 interactions, own processes + server"
    table = plain_table(title, ("events", "who"), headings, caption)
    rows = [each for each in figures if each.limited == limited]
    for figure in sorted(rows, key=lambda each: (each.burst, each.key, each.label)):
        table.add_row(*_cells(figure, _floor_of(figure, rows), limited=limited))
    return table


def _floor_of(figure: Figure, rows: Iterable[Figure]) -> Figure | None:
    same = (figure.burst, figure.bucket)
    return next((each for each in rows if each.key == _FLOOR and (each.burst, each.bucket) == same), None)


def _cells(figure: Figure, floor: Figure | None, *, limited: bool) -> list[str]:
    thousands = figure.burst / 1000
    mark = "~" if figure.extrapolated_from else ""
    return [
        f"{figure.burst:,}",
        figure.label,
        f"{mark}{number(figure.seconds)}",
        f"{mark}{number(figure.rate)}",
        f"{figure.rate / floor.rate:.2f}" if floor else "-",
        f"{mark}{figure.requests:.0f}",
        *([f"{mark}{figure.most_in_window:.0f}"] if limited else []),
        f"{number(figure.own_cpu / thousands)} + {number(figure.server_cpu / thousands)}",
        number(figure.cpu_each / floor.cpu_each) if floor and floor.cpu_each else "-",
        f"{figure.own_mb:.0f} + {figure.server_mb:.0f}",
    ]


def single(measured: dict[str, list[float]]) -> Table:
    """Return the percentiles of single events."""
    title = "Single events, one a second, settle delay 0, through bus, queue and Lambda"
    table = plain_table(title, ["seconds"], ("p50", "p95", "p99"))
    for name, values in measured.items():
        table.add_row(name, *(f"{percentile(values, percent):.3f}" for percent in (50, 95, 99)))
    return table


def growth(stages: Iterable[GrowthStage]) -> Table:
    """Return a row for each stage of growth."""
    headings = ("so far", "s", "ms\neach", "CPU ms\neach", "peak\nMB", "database MB\na million")
    table = plain_table("Growth, without a limit that binds", ["events"], headings)
    for each in stages:
        measured = (each.seconds, each.each_ms, each.cpu_each_ms)
        size = f"{each.database_mb_per_million:.0f}"
        table.add_row(
            f"{each.events:,}", f"{each.so_far:,}", *map(number, measured), f"{each.peak_mb:.0f}", size
        )
    return table


def cost(bills: Sequence[Bill]) -> Table:
    """Return a row for each price and one for the sum, a column for each pipeline."""
    known = price_table()
    headings = [each.label.replace(" ", "\n") for each in bills]
    title = f"US dollars per million interactions; list prices of {known['region']}, {known['date']}"
    table = plain_table(title, ["price"], headings)
    for name, price in known["prices"].items():
        usd = [sum(line.usd for line in each.lines if line.price == name) for each in bills]
        if any(usd):
            table.add_row(
                name + ("" if price["confirmed"] else ", unconfirmed"), *(f"{each:.2f}" for each in usd)
            )
    table.add_row("sum", *(f"{each.usd:.2f}" for each in bills))
    return table


def verdicts(lines: Iterable[TargetResult]) -> Table:
    """Return the targets and whether they were reached."""
    table = plain_table("Targets", ("target", "measured", ""), ())
    for line in lines:
        table.add_row(line.claim, line.measured, "reached" if line.reached else "[red]not reached[/red]")
    return table
