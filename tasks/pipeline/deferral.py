"""When an interaction is asked for again, and when waiting for it ends."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tasks.errors import PermanentError, PipelineError
from tasks.genesys import RetryLater, Throttled
from tasks.pipeline.work import PipelineRun
from tasks.settings import Settings
from tasks.stores import Deferral, DeferralReason, Stored
from tasks.values import instant, iso


class Wait(NamedTuple):
    """When an interaction is asked for again; `needs_run` unless another run is scheduled for it already."""

    deferral: Deferral
    needs_run: bool


def wait_for_conversation(
    run: PipelineRun,
    stored: Stored | None,
    settings: Settings,
    reason: DeferralReason = DeferralReason.NOT_SETTLED,
) -> Wait | None:
    """Return the wait for a conversation that has not ended or is unknown yet; None after DEFERRAL_LIMIT."""
    return _wait(run, stored, next_delay(max(1, run.attempt - run.throttled), settings), reason)


def wait_after_error(
    run: PipelineRun, stored: Stored | None, error: PipelineError, settings: Settings
) -> Wait | None:
    """Return the wait for an interaction that Genesys could not be asked for; None when DEFERRAL_LIMIT has passed.

    A wait that Genesys itself asks for does not count towards the limit.
    """
    if isinstance(error, RetryLater) and error.asked_to_wait:
        delay = throttle_delay(run.attempt, error.retry_after, settings)
        return _wait(run, stored, delay, reason_of(error), throttled=1)
    return wait_for_conversation(run, stored, settings, reason_of(error))


def reason_of(error: PipelineError) -> DeferralReason:
    """Return why an interaction waits that Genesys could not be asked for."""
    if isinstance(error, PermanentError):
        return DeferralReason.REFUSED
    return DeferralReason.THROTTLED if isinstance(error, Throttled) else DeferralReason.UNREACHABLE


def confirmation(run: PipelineRun, settings: Settings) -> Deferral:
    """Return when Genesys is asked once more for a settled conversation of which two answers differ."""
    due_at = due(settings.confirm_after)
    return Deferral(due_at, run.attempt + 1, run.throttled, reason=DeferralReason.CONFIRMATION)


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


def _wait(
    run: PipelineRun, stored: Stored | None, delay: float | None, reason: DeferralReason, throttled: int = 0
) -> Wait | None:
    """Return the wait of `delay` seconds, unless another run's wait for the same interaction stands.

    A run that is executed again finds its own deferral and keeps its time, so that the idempotency key of the
    later run stays the same.
    """
    fresh, since = None, _waits_since(stored)
    if delay is not None:
        throttled += run.throttled
        fresh = Wait(Deferral(due(delay), run.attempt + 1, throttled, reason, since), needs_run=True)
    if stored is None or stored.due_at is None or stored.due_at <= iso(datetime.now(UTC)):
        return fresh
    due_at = datetime.fromisoformat(stored.due_at)
    standing = Deferral(due_at, stored.attempt, stored.throttled, reason, since)
    if stored.deferred_by == run.flow_run_id:
        return Wait(standing, needs_run=True)
    if fresh is None or stored.attempt > run.attempt:
        return Wait(standing, needs_run=False)
    return fresh


def _waits_since(stored: Stored | None) -> datetime:
    """Return when an interaction began to wait: now, unless it waits already."""
    waits = stored is not None and stored.due_at is not None
    return (instant(stored.deferred_since) if stored and waits else None) or datetime.now(UTC)
