"""Figures of the bridge as metrics: log lines in CloudWatch's embedded metric format.

Lambda's log becomes metrics in the namespace `Interactions`, by `stack`; `stops` by the code of why, too. No figure has
an id of anything.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from delivery import Report

NAMESPACE = "Interactions"
UNITS = {"durationMs": "Milliseconds", "oldestSeconds": "Seconds", "budgetPercent": "Percent"}
"""Units of the figures that are no counts."""


def delivery_figures(report: Report, oldest: float | None, milliseconds: float) -> dict[str, float]:
    """Return the figures of one delivery. `stalled` is 1 when messages came and none left the buffer, else 0."""
    left = len(report.accepted) + len(report.dead)
    figures = {
        "received": report.received,
        "accepted": len(report.accepted),
        "returned": len(report.returned),
        "deadLettered": len(report.dead),
        "stalled": int(report.received > 0 and left == 0),
        "waitingRuns": report.waiting_runs,
        "oldestSeconds": oldest,
        "durationMs": round(milliseconds),
    }
    return {name: value for name, value in figures.items() if value is not None}


def oldest_seconds(records: Sequence[Mapping[str, Any]]) -> float | None:
    """Return how long ago the oldest of SQS's messages was sent, in seconds; None if none says it."""
    sent = [str((record.get("attributes") or {}).get("SentTimestamp", "")) for record in records]
    known = [int(text) for text in sent if text.isascii() and text.isdigit()]
    return max(0.0, round(time.time() - min(known) / 1000, 1)) if known else None


def metric_line(
    line: Mapping[str, Any], figures: Mapping[str, float], stack: str, code: str | None
) -> dict[str, Any]:
    """Return the line with its figures, declared as metrics; with a `code`, as one stop of it."""
    metrics = [{"Name": name, "Unit": UNITS.get(name, "Count")} for name in figures]
    declared = [{"Namespace": NAMESPACE, "Dimensions": [["stack"]], "Metrics": metrics}]
    stops: dict[str, Any] = {}
    if code:
        stops = {"stops": 1, "code": code}
        stop = [{"Name": "stops", "Unit": "Count"}]
        declared.append({"Namespace": NAMESPACE, "Dimensions": [["stack", "code"]], "Metrics": stop})
    head = {"Timestamp": round(time.time() * 1000), "CloudWatchMetrics": declared}
    return {"_aws": head, "stack": stack, **line, **figures, **stops}
