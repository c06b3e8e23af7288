"""The clock and the sleep of everything here, in one object, so that a test can move time by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The machine's own clock; tests pass a subclass that never sleeps."""

    def monotonic(self) -> float:
        """Return seconds that never jump, from an arbitrary start: for lifetimes and waits."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the time of day in UTC, as far as this machine knows it."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
