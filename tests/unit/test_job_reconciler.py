"""The reconciler of details jobs: what it reads, where it goes on, and what it leaves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.genesys import JobExpired, JobFailed, JobPage, ResponseTooLarge, Unavailable
from tasks.operations.intervals import Interval
from tasks.operations.job_reconciler import JobCalls, JobCursor, JobReconciler
from tasks.operations.reconciler import Conversations, ReconcileCounts
from tasks.values import iso

START = datetime(2026, 1, 10, tzinfo=UTC)
DAY = Interval(START, START + timedelta(days=1))
AVAILABLE = START + timedelta(days=3)
SUBMITTED = START + timedelta(days=5)
DAY_LENGTH = timedelta(days=1)


def conversation(number: int, end: datetime | None = START) -> dict[str, Any]:
    """Return the conversation of a number."""
    ended = {"conversationEnd": iso(end)} if end else {}
    return {"conversationId": f"7f3c0000-0000-4000-8000-{number:012d}", **ended}


class Lake:
    """A lake of conversations, and the jobs that read it; `fails` are raised by the next calls of that name."""

    def __init__(self, *conversations: dict[str, Any], available: datetime | None = AVAILABLE) -> None:
        self.conversations = conversations
        self.available = available
        self.jobs: list[Interval] = []
        self.pages: list[tuple[str, int, int]] = []
        self.fails: dict[str, list[Exception | None]] = {"wait": [], "page": []}

    def _fail(self, call: str) -> None:
        if self.fails[call] and (error := self.fails[call].pop(0)):
            raise error

    async def submit(self, interval: Interval) -> JobCursor:
        """Return a new job."""
        self.jobs.append(interval)
        return JobCursor(interval, f"job-{len(self.jobs)}", SUBMITTED)

    async def wait(self, job: JobCursor) -> int:
        """Return at once, after one request."""
        del job
        self._fail("wait")
        return 1

    async def page(self, job: JobCursor, page_size: int) -> JobPage:
        """Return a page; the cursor is the number of the first conversation."""
        first = int(job.cursor or 0)
        self.pages.append((job.job_id, first, page_size))
        self._fail("page")
        end = first + page_size
        following = str(end) if end < len(self.conversations) else None
        return JobPage(self.conversations[first:end], following, self.available, 1)


class Notes:
    """A note in memory, as a variable holds it."""

    def __init__(self) -> None:
        self.noted: Any = None

    async def read(self) -> JobCursor | None:
        """Return the job that was noted."""
        return JobCursor.from_json(self.noted)

    async def write(self, job: JobCursor) -> None:
        """Note a job."""
        self.noted = job.to_json()

    async def forget(self) -> None:
        """Forget it."""
        self.noted = None


class Run:
    """A run over a lake; `dies_at` is the page that it does not save."""

    def __init__(
        self,
        lake: Lake,
        notes: Notes,
        *,
        page_size: int = 2,
        dies_at: int | None = None,
        available: datetime = AVAILABLE,
    ) -> None:
        self.saved: list[str] = []
        self.times: set[datetime] = set()
        self.counts = ReconcileCounts()
        self._left = dies_at
        self._reconciler = JobReconciler(
            self.counts,
            JobCalls(lake.submit, lake.wait, lake.page),
            notes,
            self.save,
            available_until=available,
            page_size=page_size,
        )

    async def save(self, conversations: Conversations, as_of: datetime) -> None:
        """Save a page, or die."""
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise Unavailable("it is killed")
        self.saved += conversations
        self.times.add(as_of)

    def over(self, interval: Interval = DAY) -> Interval:
        """Reconcile an interval; return what was read."""
        return asyncio.run(self._reconciler.reconcile(interval))


FIVE = [conversation(number) for number in range(5)]
IDS = [each["conversationId"] for each in FIVE]


def test_every_page_is_saved_once() -> None:
    """One job, a page after the other; the requests are submission, wait and pages."""
    lake, notes = Lake(*FIVE), Notes()
    run = Run(lake, notes)
    assert run.over() == DAY
    assert run.saved == IDS
    assert (run.counts["seen"], run.counts["requests"]) == (5, 5)
    assert run.times == {AVAILABLE}, "a lake's answer is as old as the lake"


def test_an_answer_is_never_newer_than_its_job() -> None:
    """A lake that is complete until after the submission says nothing of that time."""
    later = SUBMITTED + timedelta(hours=1)
    run = Run(Lake(*FIVE, available=later), Notes(), available=later)
    run.over()
    assert run.times == {SUBMITTED}


def test_a_run_that_was_killed_goes_on_with_its_job() -> None:
    """The next run reads the page that was not saved, and submits nothing."""
    lake, notes = Lake(*FIVE), Notes()
    first = Run(lake, notes, dies_at=1)
    with pytest.raises(Unavailable):
        first.over()
    second = Run(lake, notes)
    assert second.over(Interval(DAY.start, DAY.end + timedelta(hours=1))) == DAY, "the job's own interval"
    assert first.saved + second.saved == IDS
    assert lake.jobs == [DAY]


@pytest.mark.parametrize("call", ["wait", "page"])
def test_a_job_that_has_expired_is_submitted_anew(call: str) -> None:
    """Its results are read from the first one."""
    lake, notes = Lake(*FIVE), Notes()
    with pytest.raises(Unavailable):
        Run(lake, notes, dies_at=1).over()
    lake.fails[call] = [JobExpired("too old")]
    run = Run(lake, notes)
    run.over()
    assert run.saved == IDS
    assert len(lake.jobs) == 2


def test_jobs_that_expire_again_and_again_end_the_run() -> None:
    """The third is the last, and the error names the setting."""
    lake = Lake(*FIVE)
    lake.fails["wait"] = [JobExpired("too old")] * 3
    with pytest.raises(JobFailed, match="JOB_SPAN"):
        Run(lake, Notes()).over()
    assert len(lake.jobs) == 3


def test_a_job_that_failed_is_forgotten() -> None:
    """The run ends; the next one submits another job."""
    lake, notes = Lake(*FIVE), Notes()
    lake.fails["wait"] = [JobFailed("FAILED")]
    with pytest.raises(JobFailed):
        Run(lake, notes).over()
    run = Run(lake, notes)
    run.over()
    assert run.saved == IDS
    assert len(lake.jobs) == 2


def test_the_job_of_another_interval_is_not_gone_on_with() -> None:
    """One that begins elsewhere, one that ends later, and a note that is none."""
    later = Interval(DAY.start, DAY.end + timedelta(hours=1))
    elsewhere = Interval(DAY.start - timedelta(hours=1), DAY.end)
    for noted in (JobCursor(later, "x", SUBMITTED), JobCursor(elsewhere, "x", SUBMITTED), None):
        lake, notes = Lake(*FIVE), Notes()
        notes.noted = noted.to_json() if noted else {"job": 7}
        Run(lake, notes).over()
        assert lake.jobs == [DAY]


def test_a_page_that_is_too_large_is_asked_for_in_halves() -> None:
    """The cursor stays; the smaller size holds for what follows."""
    lake = Lake(*FIVE)
    lake.fails["page"] = [None, ResponseTooLarge("large"), ResponseTooLarge("large")]
    run = Run(lake, Notes(), page_size=4)
    run.over()
    assert run.saved == IDS
    assert [(first, size) for _, first, size in lake.pages] == [(0, 4), (4, 4), (4, 2), (4, 1)]


def test_a_conversation_that_is_too_large_alone_ends_the_run() -> None:
    """There is no way around it: a cursor cannot be moved."""
    lake = Lake(*FIVE)
    lake.fails["page"] = [ResponseTooLarge("large")] * 2
    with pytest.raises(ResponseTooLarge):
        Run(lake, Notes()).over()


def test_what_is_later_than_the_lakes_date_is_left() -> None:
    """It may be half of it: what ended then, and what has not ended, is counted and not saved."""
    fresh = [conversation(7, AVAILABLE), conversation(8, None)]
    run = Run(Lake(*FIVE, *fresh), Notes())
    run.over()
    assert run.saved == IDS
    assert (run.counts["seen"], run.counts["too fresh"]) == (5, 2)


def test_a_page_may_know_an_earlier_date() -> None:
    """The earlier of the two counts."""
    run = Run(
        Lake(conversation(1, START), conversation(2, AVAILABLE), available=AVAILABLE - DAY_LENGTH), Notes()
    )
    run.over()
    assert run.counts["seen"] == 1
    assert run.times == {AVAILABLE - DAY_LENGTH}
