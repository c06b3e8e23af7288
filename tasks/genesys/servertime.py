"""A server's clock, read from the Date headers of its answers.

Workers' clocks may be minutes apart, and windows of time counted by them would not be the same windows. The
clock of the one server that all of them write to is. Its Date header has whole seconds only, but each answer
says that the server's clock lay between two bounds, and the bounds of many answers soon leave milliseconds
between them.
"""

from __future__ import annotations

_GRAIN = 1.0  # a Date header's second, and its truth lies anywhere within


class ServerTime:
    """An estimate of a server's clock, in epoch seconds: within half a second from the first answer on."""

    def __init__(self) -> None:
        self._bounds: tuple[float, float] | None = None

    def observe(self, date: float, *, sent: float, received: float) -> None:
        """Learn from an answer that says `date`, with local monotonic times around it."""
        low, high = date - received, date + _GRAIN - sent
        if self._bounds:
            known_low, known_high = self._bounds
            narrow = max(low, known_low), min(high, known_high)
            # Bounds that exclude each other: a clock was set, or this machine slept. The newest is right.
            low, high = narrow if narrow[0] <= narrow[1] else (low, high)
        self._bounds = (low, high)

    def at(self, local: float) -> float | None:
        """Return the server's time at a local monotonic time; None before the first answer."""
        return None if self._bounds is None else local + sum(self._bounds) / 2
