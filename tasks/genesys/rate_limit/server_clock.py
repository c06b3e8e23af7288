"""A server's clock, bounded by the Date headers of its responses.

The clocks of workers can be minutes apart; windows counted by them would not agree. All workers write to one
server, so its clock counts. A Date header has whole seconds only, but each one bounds the server's time from
below and above, and the bounds of many responses are milliseconds apart.
"""

from __future__ import annotations

_DATE_RESOLUTION = 1.0  # seconds: the server's time lies anywhere within the second that the header names
_DRIFT = 0.001  # seconds a second by which two clocks part at most: NTP slows or hastens each by up to 0.0005


class ServerClock:
    """The bounds of a server's clock, in epoch seconds: a second apart after the first response."""

    def __init__(self) -> None:
        self._offsets: tuple[float, float] | None = None  # lowest and highest, from local monotonic time
        self._known_at = 0.0  # local time: what was known then widens with the drift

    def observe(self, date: float, *, sent: float, received: float) -> None:
        """Narrow the bounds by a response's Date; `sent` and `received` are local monotonic times."""
        low, high = date - received, date + _DATE_RESOLUTION - sent
        if known := self.bounds(received):
            narrowed = max(low, known[0] - received), min(high, known[1] - received)
            # An empty intersection means that a clock was set or this machine slept: only the newest holds.
            low, high = narrowed if narrowed[0] <= narrowed[1] else (low, high)
        self._offsets, self._known_at = (low, high), received

    def bounds(self, local: float) -> tuple[float, float] | None:
        """Return the lowest and the highest that the server's time can be at a local monotonic time, if known."""
        if self._offsets is None:
            return None
        low, high = self._offsets
        drift = _DRIFT * max(local - self._known_at, 0.0)
        return local + low - drift, local + high + drift
