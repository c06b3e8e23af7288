"""The result of a benchmark as JSON: `.sandbox/bench.json`.

Its keys are those of docs/benchmarks.md, units are in their names, and `schema` is raised when a key leaves or changes
its meaning; a new key does not raise it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.allowance import AllowanceUse
from tests.benchmarks.benchmark import Results
from tests.benchmarks.cost import Bill, price_table
from tests.benchmarks.figures import Figure
from tests.benchmarks.growth import GrowthStage
from tests.benchmarks.targets import TargetResult

SCHEMA = 1


class NotABenchmark(Exception):
    """A file is not the result of a benchmark that this version can read."""


def to_document(
    results: Results, targets: Iterable[TargetResult], conditions: Mapping[str, str], seconds: float
) -> dict[str, Any]:
    """Return everything that was measured; a part that was not is null or empty."""
    return {
        "schema": SCHEMA,
        "took_seconds": round(seconds, 1),
        "conditions": dict(conditions),
        "bursts": [_burst(each) for each in results.figures],
        "sustained": _burst(results.sustained) if results.sustained else None,
        "single_event_seconds": {name.replace(" ", "_"): each for name, each in results.bridge.items()},
        "worker_memory": [{"events": count, "resident_mb": mb} for count, mb in results.memory],
        "growth": [_stage(each) for each in results.growth],
        "allowance": [_allowance(each) for each in results.allowance],
        "cost": [_bill(each) for each in results.cost],
        "targets": [
            {"claim": each.claim, "measured": each.measured, "reached": each.reached} for each in targets
        ],
    }


def _burst(figure: Figure) -> dict[str, Any]:
    return {
        "competitor": figure.key,
        "label": figure.label,
        "events": figure.burst,
        "limited": figure.limited,
        "bucket": figure.bucket,
        "drained_seconds": figure.seconds,
        "ended_seconds": figure.ended,
        "events_per_second": figure.rate,
        "requests": figure.requests,
        "most_requests_in_60_seconds": figure.most_in_window,
        "requests_seconds": figure.request_seconds,
        "own_cpu_seconds": figure.own_cpu,
        "server_cpu_seconds": figure.server_cpu,
        "own_peak_mb": figure.own_mb,
        "server_peak_mb": figure.server_mb,
        "repeats": figure.repeats,
        "extrapolated_from_events": figure.extrapolated_from,
    }


def _stage(stage: GrowthStage) -> dict[str, Any]:
    return {
        "events": stage.events,
        "events_so_far": stage.so_far,
        "drained_seconds": stage.seconds,
        "cpu_seconds": stage.cpu_seconds,
        "peak_mb": stage.peak_mb,
        "prefect_database_bytes": stage.database_bytes,
    }


def _allowance(found: AllowanceUse) -> dict[str, Any]:
    return {
        "workers": found.workers,
        "requests": found.requests,
        "requests_a_minute": found.a_minute,
        "most_requests_in_60_seconds": found.most_in_window,
    }


def _bill(found: Bill) -> dict[str, Any]:
    return {
        "label": found.label,
        "events": found.interactions,
        "region": price_table()["region"],
        "prices_date": price_table()["date"],
        "usd_per_million": found.usd,
        "lines": [
            {"price": line.price, "quantity_per_million": line.quantity, "usd_per_million": line.usd}
            for line in found.lines
        ],
    }


def write_document(document: Mapping[str, Any], path: Path) -> None:
    """Write the JSON, one value a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")


def read_document(path: Path) -> dict[str, Any]:
    """Read a benchmark's JSON; raises NotABenchmark, which names the file and what it is instead."""
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise NotABenchmark(f"{path}: {error.strerror}. `make bench` writes .sandbox/bench.json.") from error
    except ValueError as error:
        raise NotABenchmark(f"{path} is not JSON: {error}") from error
    if not isinstance(found, dict) or "schema" not in found:
        raise NotABenchmark(f"{path} is not the result of `make bench`: it has no `schema`")
    if found["schema"] != SCHEMA:
        raise NotABenchmark(f"{path} has schema {found['schema']!r}; this version reads {SCHEMA}")
    return found
