"""When an interaction is asked for again, and when waiting ends."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from tasks.settings import Settings


def settle_delay(attempt: int, settings: Settings) -> float | None:
    """Seconds between attempt `attempt` (from 1) and the next one; None when patience has ended.

    The first delays are listed (1, 2, 5, 15 and 60 minutes), the later ones are regular, and their sum stays
    within the patience (a day).
    """
    waited = sum(_delay(n, settings) for n in range(1, attempt))
    delay = _delay(attempt, settings)
    return delay if waited + delay <= settings.settle_patience else None


def throttle_delay(attempt: int, retry_after: float, settings: Settings) -> float:
    """Seconds to wait when Genesys asks for fewer requests: what it says, within bounds; never the end."""
    return min(max(retry_after, _delay(attempt, settings)), settings.throttle_max_defer)


def due(delay: float, now: datetime | None = None) -> datetime:
    """The moment `delay` seconds from now, on a whole second, so that a run's deferrals share it."""
    moment = (now or datetime.now(UTC)) + timedelta(seconds=delay)
    return datetime.fromtimestamp(math.ceil(moment.timestamp()), UTC)


def _delay(attempt: int, settings: Settings) -> float:
    listed = settings.settle_delays
    return listed[attempt - 1] if attempt <= len(listed) else settings.settle_every
