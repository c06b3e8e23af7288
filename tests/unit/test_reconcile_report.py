"""What a reconcile's final state and artifact say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect.client.schemas.objects import StateType

from flows.reports.reconcile import Requeued, final_state, left, markdown
from tasks.operations.intervals import Interval
from tasks.operations.reconciler import ReconcileCounts

START = datetime(2026, 1, 10, tzinfo=UTC)
INTERVAL = Interval(START, START + timedelta(days=2))
NOTHING = Requeued(0, 0, 0)


def test_what_the_lake_does_not_have_yet_is_named() -> None:
    """In the state's message and in the artifact, with the time until when it was read."""
    rest = left(INTERVAL, INTERVAL.until(START + timedelta(days=1)))
    assert "complete until 2026-01-11T00:00:00.000Z" in rest
    assert "2026-01-11T00:00:00.000Z to 2026-01-12T00:00:00.000Z was not asked for" in rest
    state = final_state(ReconcileCounts(), NOTHING, rest)
    assert (state.type, str(state.message).endswith(rest)) == (StateType.COMPLETED, True)
    assert rest in markdown(INTERVAL, ReconcileCounts(), NOTHING, rest)


def test_a_lake_without_any_of_the_interval_leaves_all_of_it() -> None:
    """It does not say that it is complete until then."""
    rest = left(INTERVAL, INTERVAL.until(START - timedelta(days=7)))
    assert "has nothing of the interval yet" in rest
    assert "2026-01-10T00:00:00.000Z to 2026-01-12T00:00:00.000Z was not asked for" in rest


def test_of_a_whole_interval_nothing_is_left() -> None:
    """Nor is anything said of it."""
    assert left(INTERVAL, INTERVAL.until(INTERVAL.end + timedelta(days=1))) == ""
    assert "lake" not in str(final_state(ReconcileCounts(), NOTHING).message)


def test_a_run_that_met_the_querys_ceiling_failed() -> None:
    """It names what gives more."""
    counts = ReconcileCounts()
    counts.add("cut off", 2)
    state = final_state(counts, NOTHING)
    assert state.type is StateType.FAILED
    assert "2 seconds have more than the 100,000 conversations" in str(state.message)
    assert "mode jobs" in str(state.message)
