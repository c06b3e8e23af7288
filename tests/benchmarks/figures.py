"""Figures and what is made of them: medians, percentiles, extrapolations that say so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

WINDOW = 60.0


@dataclass(frozen=True)
class Figure:
    """What a burst came to, or the median of several; CPU is in seconds, memory in megabytes."""

    key: str
    label: str
    burst: int
    limited: bool
    bucket: bool
    seconds: float  # from the first event given to the last row stored
    ended: float  # until nothing of it was left to do
    requests: int
    most_in_window: int
    asking: float  # seconds from the first request to the last
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
        """CPU-seconds of an interaction, its server's included."""
        return (self.own_cpu + self.server_cpu) / self.burst


_MEASURES = (
    "seconds",
    "ended",
    "requests",
    "most_in_window",
    "asking",
    "own_cpu",
    "server_cpu",
    "own_mb",
    "server_mb",
)


def middle(figures: Sequence[Figure]) -> Figure:
    """The median of each measure of the same burst, run several times."""
    medians = {name: median(getattr(each, name) for each in figures) for name in _MEASURES}
    return replace(figures[0], **medians, repeats=len(figures))


def extrapolated(figure: Figure, burst: int, *, limited: bool, allowed: int) -> Figure:
    """What a larger burst would come to at the same rate; marked as such.

    Under the limit it cannot be faster than its requests: each `allowed` of them beyond the first take a minute.
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
        asking=max(figure.asking * times, least),
        own_cpu=figure.own_cpu * times,
        server_cpu=figure.server_cpu * times,
        extrapolated_from=figure.burst,
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
