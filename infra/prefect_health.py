"""When a worker counts as polling, and a run as late: the same for `status` and `verify`. It imports no Prefect."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

HEARTBEAT = timedelta(seconds=30)
"""Between two heartbeats of a worker, unless it says otherwise."""
SILENT = timedelta(seconds=30)
"""Without a sign of life for so long a worker counts as silent; the warm worker gives one each 15 s."""
LATE_AFTER = timedelta(seconds=60)
"""Past its time a run waits for the next poll, and for a free place; from then on it is late."""
RECENT = timedelta(hours=1)
"""What ended, or was heard of, within this time is told; a worker of before was stopped, and is no news."""
AWAITING_RETRY = "AwaitingRetry"
CRASHES = ("Crashed", "TimedOut")
_SILENT_HEARTBEATS = 1.5  # a stock worker's come each 30 s, up to a third late
_CODE = re.compile(r"[a-z][a-z-]+")


class Poll(NamedTuple):
    """A worker's last sign of life, and how often one comes."""

    name: str
    at: datetime
    every: timedelta = HEARTBEAT

    def is_recent(self, now: datetime) -> bool:
        """Return whether the worker polls: a frozen one is online to Prefect for three heartbeats."""
        return now - self.at <= max(SILENT, self.every * _SILENT_HEARTBEATS)


def code_of(message: str | None) -> str | None:
    """Return the code that a state's message begins with, if it does."""
    found = _CODE.match(message or "")
    return found.group() if found else None
