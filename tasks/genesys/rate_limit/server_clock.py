"""A server's clock, estimated from the Date headers of its responses.

The clocks of workers can be minutes apart; windows counted by them would not agree. All workers write to one
server, so its clock counts. A Date header has whole seconds only, but each one bounds the server's time from
below and above, and the bounds of many responses narrow the estimate to milliseconds.
"""

from __future__ import annotations

_DATE_RESOLUTION = 1.0  # seconds: the server's time lies anywhere within the second that the header names


class ServerClock:
    """An estimate of a server's clock, in epoch seconds; within half a second after the first response."""

    def __init__(self) -> None:
        self._offsets: tuple[float, float] | None = None  # lowest and highest, from local monotonic time

    def observe(self, date: float, *, sent: float, received: float) -> None:
        """Narrow the estimate by a response's Date; `sent` and `received` are local monotonic times."""
        low, high = date - received, date + _DATE_RESOLUTION - sent
        if self._offsets:
            narrowed = max(low, self._offsets[0]), min(high, self._offsets[1])
            # An empty intersection means that a clock was set or this machine slept: only the newest holds.
            low, high = narrowed if narrowed[0] <= narrowed[1] else (low, high)
        self._offsets = (low, high)

    def at(self, local: float) -> float | None:
        """Return the server's time at a local monotonic time; None before the first response."""
        return None if self._offsets is None else local + sum(self._offsets) / 2
