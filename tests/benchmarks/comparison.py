"""Print two runs of the benchmark side by side: `make bench-compare A.json B.json`.

A ratio is B's value divided by A's. Only what both measured is compared; an extrapolated value is marked `~`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.document import NotABenchmark, read_document
from tests.benchmarks.figures import percentile
from tests.benchmarks.tables import WIDTH, number, plain_table

Document = Mapping[str, Any]
_SAME = ("competitor", "label", "events", "limited", "bucket")


def ratio(before: float, after: float) -> str:
    """Return after / before, `-` if before is 0."""
    return f"{after / before:.2f}" if before else "-"


def bursts(before: Document, after: Document) -> Table:
    """Return a row for each burst that both runs have."""
    table = plain_table(
        "Bursts: A, B and B / A",
        ("events", "who", "limit"),
        ("A: a\nsecond", "B: a\nsecond", "B / A", "A: CPU\nms each", "B: CPU\nms each", "B / A", "MB\nB / A"),
        "CPU and memory: own processes and server together; ~ extrapolated",
    )
    for one, other in _pairs(before["bursts"], after["bursts"]):
        table.add_row(*_cells(one, other))
    return table


def _pairs(before: Sequence[Document], after: Sequence[Document]) -> Iterator[tuple[Document, Document]]:
    known = {tuple(each[name] for name in _SAME): each for each in before}
    for each in sorted(after, key=lambda each: (each["limited"], each["events"], each["competitor"])):
        if one := known.get(tuple(each[name] for name in _SAME)):
            yield one, each


def _cells(one: Document, other: Document) -> list[str]:
    cpu, memory = _cpu_ms(one), one["own_peak_mb"] + one["server_peak_mb"]
    return [
        f"{other['events']:,}",
        other["label"],
        "on" if other["limited"] else "off",
        *(f"{_mark(each)}{number(each['events_per_second'])}" for each in (one, other)),
        ratio(one["events_per_second"], other["events_per_second"]),
        *(f"{_mark(each)}{number(_cpu_ms(each))}" for each in (one, other)),
        ratio(cpu, _cpu_ms(other)),
        ratio(memory, other["own_peak_mb"] + other["server_peak_mb"]),
    ]


def _cpu_ms(burst: Document) -> float:
    return float((burst["own_cpu_seconds"] + burst["server_cpu_seconds"]) / burst["events"] * 1000)


def _mark(burst: Document) -> str:
    return "~" if burst["extrapolated_from_events"] else ""


def others(before: Document, after: Document) -> Table:
    """Return a row for each other measurement that both runs have."""
    table = plain_table("Other measurements", ["what"], ("A", "B", "B / A"))
    one, other = dict(_single_values(before)), dict(_single_values(after))
    for name in (each for each in one if each in other):
        table.add_row(name, f"{one[name]:.4g}", f"{other[name]:.4g}", ratio(one[name], other[name]))
    return table


def _single_values(document: Document) -> Iterator[tuple[str, float]]:
    if sustained := document["sustained"]:
        minutes = sustained["requests_seconds"] / 60
        yield "sustained: requests a minute", sustained["requests"] / minutes
    for name, values in document["single_event_seconds"].items():
        for percent in (50, 95, 99):
            yield f"single events, {name.replace('_', ' ')}, p{percent}, s", percentile(values, percent)
    for each in document.get("growth", []):
        name = f"growth, {each['events']:,} events"
        yield f"{name}, ms each", each["drained_seconds"] / each["events"] * 1000
        yield f"{name}, CPU ms each", each["cpu_seconds"] / each["events"] * 1000
        yield f"{name}, peak MB", each["peak_mb"]
        yield f"{name}, database MB a million", each["prefect_database_bytes"] / each["events"]
    for each in document.get("allowance", []):
        yield f"allowance, workers: {each['workers']}, requests a minute", each["requests_a_minute"]
    for each in document.get("cost", []):
        yield f"cost, {each['label']}, $ a million", each["usd_per_million"]
    for each in document["worker_memory"][-1:]:
        yield f"worker after {each['events']:,} events, MB", each["resident_mb"]


def conditions(before: Document, after: Document) -> Iterator[str]:
    """Yield the conditions in which the runs differ: ratios across machines mean little."""
    for name, one in before["conditions"].items():
        other = after["conditions"].get(name, "-")
        if one != other:
            yield f"{name}: A {one}; B {other}"


def main(arguments: Sequence[str]) -> int:
    """Print the comparison; return 2, with the reason, for files that cannot be compared."""
    if len(arguments) != 2:
        sys.stderr.write("Two files are needed: make bench-compare A.json B.json\n")
        return 2
    try:
        before, after = (read_document(Path(each)) for each in arguments)
    except NotABenchmark as error:
        sys.stderr.write(f"{error}\n")
        return 2
    console = Console(width=WIDTH)
    console.print(f"A {arguments[0]}\nB {arguments[1]}", highlight=False)
    for table in (bursts(before, after), others(before, after)):
        if table.row_count:
            console.print(table)
    for line in conditions(before, after):
        console.print(line, highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
