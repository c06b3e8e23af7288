"""Metrics by OpenTelemetry's protocol: of a process that has OTEL_EXPORTER_OTLP_ENDPOINT, by OTLP over HTTP.

Without the variable nothing is imported, and a call is a comparison. With it the extra `telemetry` is needed; its own
variables (OTEL_METRIC_EXPORT_INTERVAL, OTEL_EXPORTER_OTLP_HEADERS, ...) hold. No label is an id of anything.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.metrics import CallbackOptions, Meter, Observation

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PREFIX = "interactions."
_SECONDS = (1, 5, 15, 30, 60, 90, 120, 180, 300, 600, 1800, 3600, 7200, 21600, 86400)
_log = logging.getLogger(__name__)


class Figure(NamedTuple):
    """A metric: its name without the prefix, its unit by UCUM, and what it means."""

    name: str
    unit: str
    meaning: str


EVENTS = Figure("events", "{event}", "Events by outcome")
LAG = Figure("lag", "s", "From the event, or the conversation's end, to the first settled row")
REQUESTS = Figure(
    "genesys.requests", "{request}", "Requests to Genesys by status; 429 are those it throttled"
)
BUDGET_USED = Figure(
    "budget.used", "{request}", "Requests of the window, by all workers, as this process knows it"
)
LATE = Figure(
    "budget.late", "{request}", "Answers of Genesys, and failures, that came later than BUDGET_MARGIN"
)
DEFERRAL_AGE = Figure(
    "deferral.age", "s", "Since when an interaction waits that is deferred (again), by reason"
)
CONFLICTS = Figure("store.conflicts", "{write}", "Conditional writes that were refused, by store")
RUNS = Figure("runs", "{run}", "Flow runs that this worker has in hand")

Read = Callable[[], float | None]


class _Recorder:
    """The instruments of this process; each is made at its first use."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._counter = lru_cache(lambda figure: meter.create_counter(*_named(figure)))
        self._histogram = lru_cache(
            lambda figure: meter.create_histogram(
                *_named(figure), explicit_bucket_boundaries_advisory=_SECONDS
            )
        )

    def add(self, figure: Figure, number: float, labels: dict[str, str]) -> None:
        self._counter(figure).add(number, labels)

    def record(self, figure: Figure, value: float, labels: dict[str, str]) -> None:
        self._histogram(figure).record(value, labels)

    def observe(self, figure: Figure, read: Read) -> None:
        from opentelemetry.metrics import Observation  # noqa: PLC0415 - of an extra

        def values(_: CallbackOptions) -> Iterable[Observation]:
            value = read()
            return [] if value is None else [Observation(value)]

        name, unit, meaning = _named(figure)
        self._meter.create_observable_gauge(name, [values], unit, meaning)


def add(figure: Figure, number: float = 1, **labels: str) -> None:
    """Add to a counter."""
    if (recorder := _recorder()) is not None:
        recorder.add(figure, number, labels)


def record(figure: Figure, value: float, **labels: str) -> None:
    """Add a value to a histogram."""
    if (recorder := _recorder()) is not None:
        recorder.record(figure, value, labels)


def observe(figure: Figure, read: Read) -> None:
    """Let `read` be called, from another thread, whenever metrics are sent; None is no value."""
    if (recorder := _recorder()) is not None:
        recorder.observe(figure, read)


@lru_cache(maxsize=1)
def _recorder() -> _Recorder | None:
    """Return what records, made at first use; None when nobody asks for metrics, or the extra is not installed."""
    if not os.environ.get(ENDPOINT):
        return None
    try:
        return _Recorder(_provider().get_meter("interactions"))
    except ModuleNotFoundError as error:
        _log.warning("%s is set, and %s is not installed: pip install '.[telemetry]'", ENDPOINT, error.name)
        return None


def _provider() -> Any:
    """Return a provider of our own: what else uses OpenTelemetry in this process is not ours to send."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415 - of an extra
        OTLPMetricExporter,
    )
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

    # Counters of two workers must not be taken for one: the id is this process's, and is kept nowhere.
    names = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "interactions")}
    resource = Resource.create(names | {"service.instance.id": uuid.uuid4().hex})
    return MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource)


def _named(figure: Figure) -> tuple[str, str, str]:
    return _PREFIX + figure.name, figure.unit, figure.meaning
