"""When an interaction is asked for again, and when waiting for it ends."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tasks.errors import PipelineError
from tasks.genesys import RetryLater
from tasks.pipeline.work import PipelineRun
from tasks.settings import Settings
from tasks.stores import Deferral, DeferralReason, Stored
from tasks.values import iso


class Wait(NamedTuple):
    """When an interaction is asked for again; `needs_run` unless another run is scheduled for it already."""

    deferral: Deferral
    needs_run: bool


def wait_for_conversation(run: PipelineRun, stored: Stored | None, settings: Settings) -> Wait | None:
    """Return the wait for a conversation that has not ended or is unknown yet; None after DEFERRAL_LIMIT."""
    return _wait(run, stored, next_delay(max(1, run.attempt - run.throttled), settings))


def wait_after_error(
    run: PipelineRun, stored: Stored | None, error: PipelineError, settings: Settings
) -> Wait | None:
    """Return the wait for an interaction that Genesys could not be asked for; None when DEFERRAL_LIMIT has passed.

    A wait that Genesys itself asks for does not count towards the limit.
    """
    if isinstance(error, RetryLater) and error.asked_to_wait:
        return _wait(run, stored, throttle_delay(run.attempt, error.retry_after, settings), throttled=1)
    return wait_for_conversation(run, stored, settings)


def confirmation(run: PipelineRun, settings: Settings) -> Deferral:
    """Return when Genesys is asked once more for a settled conversation of which two answers differ."""
    due_at = due(settings.confirm_after)
    return Deferral(due_at, run.attempt + 1, run.throttled, DeferralReason.CONFIRMATION)


def next_delay(attempt: int, settings: Settings) -> float | None:
    """Return the seconds between attempt `attempt` (from 1) and the next; None when DEFERRAL_LIMIT would pass.

    The first delays are listed (1, 2, 5, 15 and 60 minutes), the later ones are regular, and their sum stays
    within the limit (a day).
    """
    waited = sum(_delay(number, settings) for number in range(1, attempt))
    delay = _delay(attempt, settings)
    return delay if waited + delay <= settings.deferral_limit else None


def throttle_delay(attempt: int, retry_after: float, settings: Settings) -> float:
    """Return the seconds to wait when Genesys asks for fewer requests: what it says, within bounds."""
    return min(max(retry_after, _delay(attempt, settings)), settings.throttle_max_defer)


def due(delay: float, now: datetime | None = None) -> datetime:
    """Return the whole second at or after `delay` seconds from now: a run's deferrals share it."""
    moment = (now or datetime.now(UTC)) + timedelta(seconds=delay)
    return datetime.fromtimestamp(math.ceil(moment.timestamp()), UTC)


def _delay(attempt: int, settings: Settings) -> float:
    listed = settings.deferral_delays
    return listed[attempt - 1] if attempt <= len(listed) else settings.deferral_interval


def _wait(run: PipelineRun, stored: Stored | None, delay: float | None, throttled: int = 0) -> Wait | None:
    """Return the wait of `delay` seconds, unless another run's wait for the same interaction stands.

    A run that is executed again finds its own deferral and keeps its time, so that the idempotency key of the
    later run stays the same.
    """
    fresh = None
    if delay is not None:
        fresh = Wait(Deferral(due(delay), run.attempt + 1, run.throttled + throttled), needs_run=True)
    if stored is None or stored.due_at is None or stored.due_at <= iso(datetime.now(UTC)):
        return fresh
    standing = Deferral(datetime.fromisoformat(stored.due_at), stored.attempt, stored.throttled)
    if stored.deferred_by == run.flow_run_id:
        return Wait(standing, needs_run=True)
    if fresh is None or stored.attempt > run.attempt:
        return Wait(standing, needs_run=False)
    return fresh
