"""Time and sleep behind one object, so that a test can move time by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The machine's clock; tests pass a subclass that never sleeps."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; they never jump: for lifetimes and waits."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the time of day in UTC, as this machine has it."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Block for `seconds`."""
        time.sleep(seconds)
