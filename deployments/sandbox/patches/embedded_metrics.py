"""A sandbox aid: the emulator takes the metrics out of what a function logs in CloudWatch's embedded metric format.

Each real line that a Lambda function writes becomes what PutMetricData would have stored, and the emulator's own
evaluation then decides about the alarms. It ignores dimensions, and looks at an alarm only when a figure comes: what an
alarm does without data has been seen neither here nor on AWS.
"""

# ruff: noqa: SLF001  # patches private names

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from ministack.services import cloudwatch

Metrics = dict[str, Any]


def with_metrics(original: Callable[..., None]) -> Callable[..., None]:
    """Return the emulator's writer of a function's log, which also stores the metrics in it."""

    def write(func: Any, request_id: str, log_text: str, *rest: Any, **named: Any) -> None:
        original(func, request_id, log_text, *rest, **named)
        for namespace, data in embedded(log_text or ""):
            cloudwatch._put_metric_data({}, {"Namespace": namespace, "MetricData": data}, False, is_json=True)

    return write


def embedded(text: str) -> Iterator[tuple[str, list[Metrics]]]:
    """Yield namespace and data of each directive in lines of the format; other lines are passed over."""
    for line in text.splitlines():
        try:
            fields = json.loads(line)
            head = fields["_aws"]
        except (ValueError, TypeError, KeyError):
            continue
        for directive in head["CloudWatchMetrics"]:
            data = [
                datum
                for dimensions in directive["Dimensions"]
                for datum in _data(directive["Metrics"], dimensions, fields, head["Timestamp"])
            ]
            yield directive["Namespace"], data


def _data(
    metrics: list[Metrics], dimensions: list[str], fields: Metrics, timestamp: int
) -> Iterator[Metrics]:
    """Yield the data of a set of dimensions. Raises KeyError for a figure that is declared and missing."""
    named = [{"Name": name, "Value": str(fields[name])} for name in dimensions]
    for metric in metrics:
        yield {
            "MetricName": metric["Name"],
            "Unit": metric.get("Unit", "None"),
            "Value": float(fields[metric["Name"]]),
            "Dimensions": named,
            "Timestamp": timestamp / 1000,
        }
