"""A receiver of metrics by OTLP over HTTP, on 127.0.0.1."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

Labels = frozenset[tuple[str, str]]


class Point(NamedTuple):
    """The last value of a metric with its labels: a sum, a gauge, or a histogram's count and sum."""

    value: float
    values: int | None = None


class Receiver:
    """Keeps the last value of each metric, and everything that came as text."""

    def __init__(self) -> None:
        self.points: dict[tuple[str, Labels], Point] = {}
        self.texts: list[str] = []
        self.url = ""

    def take(self, body: bytes) -> None:
        """Take a request in."""
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (  # noqa: PLC0415 - of an extra
            ExportMetricsServiceRequest,
        )

        found = ExportMetricsServiceRequest.FromString(body)
        self.texts.append(str(found))
        for resource in found.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    self._add(metric)

    def _add(self, metric: Any) -> None:
        kind = metric.WhichOneof("data")
        for point in getattr(metric, kind).data_points:
            labels = frozenset((each.key, each.value.string_value) for each in point.attributes)
            value = point.sum if kind == "histogram" else getattr(point, point.WhichOneof("value"))
            count = point.count if kind == "histogram" else None
            self.points[metric.name, labels] = Point(value, count)

    def value(self, name: str, **labels: str) -> float | None:
        """Return a metric's last value with exactly these labels, a histogram's sum; None if none came."""
        point = self.points.get((name, frozenset(labels.items())))
        return point.value if point else None

    def count(self, name: str, **labels: str) -> int | None:
        """Return how many values a histogram has with exactly these labels."""
        point = self.points.get((name, frozenset(labels.items())))
        return point.values if point else None

    def by(self, name: str, label: str) -> dict[str, float]:
        """Return a metric's last values by one label."""
        found: dict[str, float] = {}
        for (each, labels), point in list(self.points.items()):
            if each == name:
                key = dict(labels)[label]
                found[key] = found.get(key, 0) + point.value
        return found


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Serve a receiver for a while."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()
