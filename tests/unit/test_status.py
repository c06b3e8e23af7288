"""What `status` makes of what the sources say: a finding with count, since when and the next step, or none."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from deployments.status import budget, deferred, publish, quarantine, queues, reconcile, runs, workers
from deployments.status.deferred import Waiting
from deployments.status.finding import Finding, SourceStatus, Status, duration
from deployments.status.quarantine import Quarantined
from deployments.status.reconcile import Ended
from deployments.status.settings import StatusThresholds
from deployments.status.workers import PoolState
from deployments.waiting_runs import WaitingRun, WaitingRuns, ids_of
from infra.prefect_health import Poll
from tasks.genesys.rate_limit.window import RateWindow
from tasks.stores import Stored
from tests.support.events import event_text

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIMITS = {"genesys-requests": 300, "genesys-requests-background": 75, "store-writes": 8}


def ago(seconds: float) -> datetime:
    """Return a moment before now."""
    return NOW - timedelta(seconds=seconds)


def only(status: SourceStatus) -> Finding:
    """Return the one finding."""
    (found,) = status.findings
    return found


def run(state: str = "Scheduled", *, due: float = 0, ids: int = 1, message: str | None = None) -> WaitingRun:
    """Return a run that was due so many seconds ago."""
    inside = frozenset(str(uuid.uuid4()) for _ in range(ids))
    started = state == "Running"
    return WaitingRun(uuid.uuid4(), "name", state, started, ago(due), ago(due + 5), "live", message, inside)


@pytest.mark.parametrize(
    ("depth", "oldest", "wrong"),
    [(0, 0.0, False), (10, 100.0, False), (10, 1000.0, True), (9_000, None, True), (10, None, False)],
)
def test_a_buffer_that_is_old_or_deep_is_wrong(depth: int, oldest: float | None, wrong: bool) -> None:
    """The oldest message's age counts, or the depth: SQS forgets the age of what was received three times."""
    status = queues.judge_buffer(queues.Buffer(depth, 0, 0, oldest), StatusThresholds(), NOW)
    assert bool(status.findings) == wrong
    if wrong:
        assert only(status).code == "buffer-grows"
        assert only(status).count == depth
        assert only(status).since == (ago(oldest) if oldest else None)


def test_any_dead_letter_needs_a_person() -> None:
    """One is enough, and the next step shows the reason before it does anything."""
    found = only(queues.judge_dead_letters(3, 90.0, NOW))
    assert (found.code, found.count, found.since, found.level) == ("dead-letters", 3, ago(90), "act")
    assert "interactions redrive" in found.next_step
    assert only(queues.judge_dead_letters(1, None, NOW)).since is None
    assert not queues.judge_dead_letters(0, None, NOW).findings


def test_late_runs_are_counted_with_the_interactions_in_them() -> None:
    """A run is late a minute past its time; since when is when the first should have begun."""
    late, fresh, running = run(due=300, ids=40), run(due=20, ids=2), run("Running", due=500, ids=7)
    status = runs.judge(WaitingRuns((late, fresh, running), complete=True), 0, NOW)
    found = only(status)
    assert (found.code, found.count, found.since) == ("runs-late", 1, ago(300))
    assert "1 run with 40 interactions late" in found.symptom
    assert status.data["running"] == {"runs": 1, "interactions": 7}
    assert status.data["later"] == {"runs": 1, "interactions": 2}


def test_what_gave_itself_back_says_why() -> None:
    """The code of the state's message is named, and since when the run tries."""
    waiting = run("AwaitingRetry", due=400, message="store-unavailable: table x does not answer")
    found = only(runs.judge(WaitingRuns((waiting,), complete=True), 0, NOW))
    assert (found.code, found.since) == ("runs-awaiting-retry", waiting.since)
    assert "store-unavailable" in found.symptom


def test_more_runs_than_are_looked_at_are_at_least() -> None:
    """Nothing is said to be all that there is, when it is not."""
    status = runs.judge(WaitingRuns((run(due=300),), complete=False), 2, NOW)
    assert [each.code for each in status.findings] == ["runs-late", "runs-crashed"]
    assert status.findings[0].symptom.startswith("at least 1 run")


def test_the_interactions_of_a_run_are_in_its_events_or_its_ids() -> None:
    """Of process-interactions and of a replay; what is no id is passed over."""
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    assert ids_of({"events": [event_text(one), "garbage", 7]}) == {one}
    assert ids_of({"interaction_ids": [two.upper(), "x", None]}) == {two}
    assert ids_of({"events": None, "interaction_ids": "x"}) == frozenset()


def test_a_worker_that_is_silent_does_not_count() -> None:
    """A frozen one is still online to Prefect: its last poll decides. Since when is the last of any.

    Stock workers give a sign of life each 30 s, up to a third late.
    """
    frozen, gone = Poll("a", ago(50)), Poll("b", ago(90_000))
    status = workers.judge(PoolState("interactions", (), (gone, frozen)), NOW)
    found = only(status)
    assert (found.code, found.since, found.count) == ("no-worker", ago(50), 1)
    assert "silent: a" in found.symptom
    warm = Poll("w", ago(31), timedelta(seconds=15))
    assert only(workers.judge(PoolState("interactions", (), (warm,)), NOW)).since == ago(31)
    assert status.lines == ["a: last poll 50 s ago: silent, stopped or frozen"]
    assert not workers.judge(PoolState("interactions", (), (gone, frozen, Poll("c", ago(35)))), NOW).findings


@pytest.mark.parametrize(
    ("paused", "step"),
    [
        ("queue live", "prefect work-queue resume live --pool interactions"),
        ("pool interactions", "prefect work-pool resume interactions"),
        ("deployment process-interactions/live", "Deployments"),
    ],
)
def test_what_is_paused_is_named_with_the_way_back(paused: str, step: str) -> None:
    """A queue, a pool or the deployment."""
    found = only(workers.judge(PoolState("interactions", (paused,), (Poll("a", ago(1)),)), NOW))
    assert paused in found.symptom
    assert step in found.next_step


@pytest.mark.parametrize(
    ("reason", "seconds", "level"),
    [
        ("throttled", 60, "watch"),
        ("throttled", 4000, "act"),
        ("unreachable", 60, "watch"),
        ("refused", 1, "act"),
        ("not-known", 60, None),
        ("not-known", 4000, "act"),
        ("not-settled", 80_000, None),
        ("confirmation", 60, None),
        ("unknown", 60, None),
    ],
)
def test_deferred_by_reason(reason: str, seconds: float, level: str | None) -> None:
    """Refused needs a person at once, what Genesys throttles or does not answer when it lasts."""
    waiting = [Waiting(reason, ago(1), ago(-60)), Waiting(reason, ago(seconds), ago(-60))]
    status = deferred.judge(waiting, NOW)
    assert [each.level for each in status.findings] == ([level] if level else [])
    assert status.data[reason] == {"interactions": 2, "oldest": ago(seconds)}
    if level:
        assert only(status).code == f"deferred-{reason}"
        assert (only(status).count, only(status).since) == (2, ago(seconds))


def test_what_is_overdue_has_lost_its_run() -> None:
    """Fifteen minutes past its time; reconcile starts another run by itself, so at first it is only watched."""
    found = only(deferred.judge([Waiting("not-settled", ago(5000), ago(1000))], NOW))
    assert (found.code, found.level, found.since) == ("deferred-overdue", "watch", ago(1000))
    assert only(deferred.judge([Waiting("not-settled", ago(9000), ago(8000))], NOW)).level == "act"


def test_a_row_of_another_release_waits_for_no_known_reason() -> None:
    """A reason that this release does not know is no error."""
    stored = Stored("id", due_at="2026-03-02T12:00:00.000Z", deferred_for="waiting")
    assert Waiting.of(stored) == Waiting("unknown", None, NOW)


def test_quarantine_by_code() -> None:
    """What failed needs a person, what was rejected is its sender's; rows of long ago are counted and no news."""
    failed = [Quarantined("failed", "never-known", ago(100), ago(10))] * 2
    rejected = [Quarantined("rejected", "wrong-type", ago(50), ago(50))]
    old = [Quarantined("failed", "gave-up", ago(900_000), ago(800_000))]
    status = quarantine.judge([*failed, *rejected, *old], NOW)
    assert [(each.code, each.count, each.level) for each in status.findings] == [
        ("quarantine-failed", 2, "act"),
        ("quarantine-rejected", 1, "watch"),
    ]
    assert status.findings[0].since == ago(100)
    assert status.data["failed"] == {"gave-up": 1, "never-known": 2}


def test_budget_that_is_used_up_is_watched() -> None:
    """Used and allowed are told with the background's share."""
    window = RateWindow(61).add(300, NOW.timestamp() + 61, background=False)
    status = budget.judge(window, LIMITS)
    assert (status.data["used"], status.data["allowed"]) == (300, 300)
    assert (only(status).code, only(status).level) == ("budget-used", "watch")
    assert not budget.judge(window, {}).findings


def test_a_missing_limit_needs_a_person() -> None:
    """No run can work without it."""
    found = only(budget.judge_limits({**LIMITS, "store-writes": None}))
    assert (found.code, found.count) == ("limit-missing", 1)
    assert "store-writes" in found.symptom


@pytest.mark.parametrize(
    ("completed", "failed", "code", "level"),
    [
        (600, None, None, None),
        (600, 9000, None, None),
        (9000, None, "reconcile-missed", "act"),
        (None, None, "reconcile-missed", "watch"),
        (9000, 60, "reconcile-failed", "act"),
    ],
)
def test_the_last_reconcile(
    completed: float | None, failed: float | None, code: str | None, level: str | None
) -> None:
    """It is missed after two hours, and a failure since the last completed one is told with its reason."""
    good = Ended("Completed", "200 seen, 180 present", ago(completed)) if completed else None
    bad = Ended("Failed", "not-permitted: no", ago(failed)) if failed else None
    status = reconcile.judge(good, bad, 7200, NOW)
    assert [(each.code, each.level) for each in status.findings] == ([(code, level)] if code else [])
    if good:
        assert "200 seen, 180 present" in status.lines[0]


def test_publish_that_lags_needs_a_person_where_somebody_publishes() -> None:
    """The oldest staged object is the lag; without analytics nothing is to be published."""
    staged = [ago(4000), ago(10)]
    found = only(publish.judge(staged, 3600, NOW, published=True))
    assert (found.code, found.count, found.since) == ("publish-late", 2, ago(4000))
    assert not publish.judge(staged, 3600, NOW, published=False).findings
    assert not publish.judge([ago(10)], 3600, NOW, published=True).findings


def test_what_needs_a_person_comes_first() -> None:
    """Of all findings; one of them is enough for the exit code."""
    watch, act = Finding("a", "", "", level="watch"), Finding("b", "", "")
    status = Status(NOW, [SourceStatus("x", findings=[watch]), SourceStatus("y", findings=[act])])
    assert status.findings == [act, watch]
    assert status.needs_person
    assert not Status(NOW, [SourceStatus("x", findings=[watch])]).needs_person


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (7500, "2 h 5 min"), (90_061, "1 d 1 h")],
)
def test_an_age_has_one_or_two_units(seconds: float, text: str) -> None:
    """Rounded down, two units from an hour on."""
    assert duration(seconds) == text
