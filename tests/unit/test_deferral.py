"""When an interaction is asked for again: 1, 2, 5, 15, 60 minutes, then every four hours, for a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import count, takewhile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import PipelineError, TransientError
from tasks.genesys import AuthenticationFailed, Throttled, Unavailable
from tasks.pipeline.deferral import (
    confirmation,
    due,
    next_delay,
    throttle_delay,
    wait_after_error,
    wait_for_conversation,
)
from tasks.pipeline.work import PipelineRun
from tasks.settings import Settings
from tasks.stores import DeferralReason, Stored

MINUTE, HOUR = 60.0, 3600.0
RUN = PipelineRun("run")


def settings(**changes: Any) -> Settings:
    """The defaults, whatever the environment holds, with changes."""
    defaults = {
        name: field.get_default() for name, field in Settings.model_fields.items() if not field.is_required()
    }
    needed = dict.fromkeys(
        ("genesys_client_id", "genesys_client_secret", "interaction_table", "quarantine_table"), "x"
    )
    return Settings(**(defaults | needed | changes))


def delays(config: Settings) -> list[float]:
    """Every delay until patience ends."""
    each = (next_delay(attempt, config) for attempt in count(1))
    return [delay for delay in takewhile(lambda delay: delay is not None, each) if delay is not None]


def test_the_schedule() -> None:
    """The first delays are as listed, the later ones regular, all of them within a day."""
    found = delays(settings())
    assert found == [MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE, *[4 * HOUR] * 5]
    assert sum(found) <= 24 * HOUR < sum(found) + 4 * HOUR


def test_patience_ends_once_and_for_all() -> None:
    """After the last attempt there is no later one, however often it is asked."""
    config = settings()
    last = len(delays(config))
    assert all(next_delay(attempt, config) is None for attempt in range(last + 1, last + 50))


@given(st.lists(st.floats(1, 10_000), max_size=6), st.floats(60, 20_000), st.floats(1, 100_000))
def test_the_wait_never_exceeds_the_patience(listed: list[float], every: float, patience: float) -> None:
    """Whatever is configured, all delays together stay within the patience."""
    config = settings(deferral_delays=tuple(listed), deferral_interval=every, deferral_limit=patience)
    assert sum(delays(config)) <= patience * (1 + 1e-9)


def test_no_delays_at_all_leaves_the_regular_ones() -> None:
    """An empty list means every four hours from the start."""
    assert delays(settings(deferral_delays=(), deferral_limit=9 * HOUR)) == [4 * HOUR, 4 * HOUR]


@pytest.mark.parametrize(
    ("attempt", "asked", "expected"),
    [
        (1, 3 * MINUTE, 3 * MINUTE),  # as Genesys asks
        (1, 1.0, MINUTE),  # but no sooner than the schedule
        (4, 1.0, 15 * MINUTE),
        (1, 9 * HOUR, HOUR),  # and no later than an hour
        (5_000, 0.0, HOUR),  # it never ends
    ],
)
def test_a_throttled_request_waits_within_bounds(attempt: int, asked: float, expected: float) -> None:
    """What Retry-After says, at least the schedule's delay, at most an hour; throttling never ends patience."""
    assert throttle_delay(attempt, asked, settings()) == expected


@given(st.floats(0, 100_000), st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)))  # noqa: DTZ001
def test_due_times_are_whole_seconds_and_never_early(delay: float, moment: datetime) -> None:
    """The deferrals of one run share a moment: the next whole second after the delay, in UTC."""
    now = moment.replace(tzinfo=timezone(timedelta(hours=-7)))
    found = due(delay, now)
    assert found.microsecond == 0
    assert found.tzinfo is UTC
    assert timedelta(0) <= found - (now + timedelta(seconds=delay)) <= timedelta(seconds=1, microseconds=1)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Throttled("wait", retry_after=5), DeferralReason.THROTTLED),
        (Unavailable("503", retry_after=600), DeferralReason.UNREACHABLE),
        (TransientError("out of time"), DeferralReason.UNREACHABLE),
        (AuthenticationFailed("no"), DeferralReason.REFUSED),
    ],
)
def test_a_deferral_says_why(error: PipelineError, reason: DeferralReason) -> None:
    """What Genesys could not be asked for says whether it throttled, did not answer or refused."""
    wait = wait_after_error(RUN, None, error, settings())
    assert wait is not None
    assert wait.deferral.attributes("0" * 32, "run")["deferredFor"] == reason


def test_a_wait_goes_on_through_its_attempts() -> None:
    """A later attempt keeps since when an interaction waits; what waits no more begins anew."""
    began = "2026-01-01T00:00:00.000Z"
    due_then = Stored("id", due_at="2026-01-01T00:01:00.000Z", deferred_since=began)
    wait = wait_for_conversation(RUN, due_then, settings(), DeferralReason.NOT_KNOWN)
    assert wait is not None
    attributes = wait.deferral.attributes("0" * 32, "run")
    assert (attributes["deferredFor"], attributes["deferredSince"]) == ("not-known", began)
    anew = wait_for_conversation(RUN, Stored("id", deferred_since=began), settings())
    assert anew is not None
    assert anew.deferral.attributes("0" * 32, "run")["deferredSince"] > began


def test_reasons_do_not_part_a_later_run() -> None:
    """Interactions of one due time and attempt share a run, whatever they wait for: a run costs seconds."""
    first, second = (confirmation(RUN, settings(confirm_after=HOUR)) for _ in range(2))
    assert hash(replace(first, due_at=second.due_at)) == hash(
        replace(second, reason=DeferralReason.NOT_KNOWN)
    )
