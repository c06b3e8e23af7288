"""Limits: how many requests came, when, and how many a token may still make."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from math import ceil

REQUESTS_A_MINUTE = 300  # client.credentials.token.rate.per.minute
WINDOW_SECONDS = 60.0
REQUEST_BYTES = 512_000  # request.bytes.max
URL_BYTES = 8192  # what a usual gateway takes; a multi-get of 100 needs 4,000
REMEMBERED = 1_000_000  # moments of requests, 8 bytes each


class Tally:
    """The moments at which requests came, and by what name."""

    def __init__(self) -> None:
        self.total = 0
        self.by_name: Counter[str] = Counter()
        self.moments = array("d")

    def add(self, name: str, moment: float) -> None:
        """Count a request."""
        self.total += 1
        self.by_name[name] += 1
        self.moments.append(moment)
        if len(self.moments) > REMEMBERED:
            del self.moments[: REMEMBERED // 2]

    def most_in(self, seconds: float) -> int:
        """Return the most requests that ever came within a stretch of so many seconds, exactly."""
        most = first = 0
        if not seconds > 0:
            return 0
        for last, moment in enumerate(self.moments):
            while moment - self.moments[first] >= seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


@dataclass(slots=True)
class Window:
    """The window of one token: it opens with the first request after the last window closed."""

    opened: float
    count: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a token stands after a request."""

    count: int
    allowed: int
    reset: int  # seconds until the window closes

    @property
    def exceeded(self) -> bool:
        """Whether the request was one too many."""
        return self.count > self.allowed

    def headers(self) -> dict[str, str]:
        """Return the headers that every answer to the token carries."""
        return {
            "inin-ratelimit-count": str(self.count),
            "inin-ratelimit-allowed": str(self.allowed),
            "inin-ratelimit-reset": str(self.reset),
        }


class RateLimit:
    """Counts requests of each token in windows of its own."""

    def __init__(self) -> None:
        self._windows: dict[str, Window] = {}

    def count(self, token: str, moment: float, allowed: int, seconds: float) -> Standing:
        """Count a request of a token and return where that leaves it."""
        window = self._windows.get(token)
        if window is None or moment - window.opened >= seconds:
            window = self._windows[token] = Window(moment)
        window.count += 1
        return Standing(window.count, allowed, max(1, ceil(window.opened + seconds - moment)))

    def forget(self, token: str) -> None:
        """Drop the window of a token that is no more."""
        self._windows.pop(token, None)

    def clear(self) -> None:
        """Open new windows for all."""
        self._windows.clear()
