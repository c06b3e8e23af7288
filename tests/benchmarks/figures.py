"""Figures of bursts: medians, percentiles and extrapolations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

WINDOW = 60.0


@dataclass(frozen=True)
class Figure:
    """The measurements of a burst, or the medians of several; CPU in seconds, memory in megabytes."""

    key: str
    label: str
    burst: int
    limited: bool
    bucket: bool
    seconds: float  # from the first event to the last row stored
    ended: float  # from the first event until nothing was left to do
    requests: int
    most_in_window: int
    request_seconds: float  # from the first request to the last
    own_cpu: float
    server_cpu: float
    own_mb: float
    server_mb: float
    repeats: int = 1
    extrapolated_from: int | None = None

    @property
    def rate(self) -> float:
        """Interactions a second."""
        return self.burst / self.seconds

    @property
    def cpu_each(self) -> float:
        """CPU-seconds per interaction, its server's included."""
        return (self.own_cpu + self.server_cpu) / self.burst


_MEASURES = (
    "seconds",
    "ended",
    "requests",
    "most_in_window",
    "request_seconds",
    "own_cpu",
    "server_cpu",
    "own_mb",
    "server_mb",
)


def median_figure(figures: Sequence[Figure]) -> Figure:
    """Return the median of each measurement of a burst that was run several times."""
    medians = {name: median(getattr(each, name) for each in figures) for name in _MEASURES}
    return replace(figures[0], **medians, repeats=len(figures))


def extrapolate(figure: Figure, burst: int, *, limited: bool, allowed: int) -> Figure:
    """Return the figures of a larger burst at the same rate, marked as extrapolated.

    Under the limit it takes a minute for each `allowed` requests beyond the first.
    """
    times = burst / figure.burst
    requests = math.ceil(figure.requests * times)
    least = (math.ceil(requests / allowed) - 1) * WINDOW if limited else 0.0
    seconds = max(figure.seconds * times, least)
    most = min(requests, math.ceil(requests / seconds * WINDOW))
    return replace(
        figure,
        burst=burst,
        limited=limited,
        seconds=seconds,
        ended=max(figure.ended * times, least),
        requests=requests,
        most_in_window=min(most, allowed) if limited else most,
        request_seconds=max(figure.request_seconds * times, least),
        own_cpu=figure.own_cpu * times,
        server_cpu=figure.server_cpu * times,
        extrapolated_from=figure.burst,
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
