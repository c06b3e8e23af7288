"""A figure of the benchmark, and a table's lines, for the tests of the benchmark's pure parts."""

from __future__ import annotations

from io import StringIO

from rich.console import Console
from rich.table import Table

from tests.benchmarks.figures import Figure

MEASURED = Figure(
    key="c",
    label="one",
    burst=100,
    limited=False,
    bucket=False,
    seconds=10.0,
    ended=12.0,
    requests=200,
    most_in_window=200,
    request_seconds=9.0,
    own_cpu=50.0,
    server_cpu=10.0,
    own_mb=500.0,
    server_mb=200.0,
)


def rendered(table: Table, width: int = 1000) -> list[str]:
    """Return the lines of a table; by default on a console so wide that nothing is broken."""
    output = StringIO()
    Console(width=width, file=output).print(table)
    return [line.strip() for line in output.getvalue().splitlines()]
