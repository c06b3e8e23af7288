"""Read an interval by a details job: submit it, wait for it, take its results page by page.

Where it has come to is noted before each page: a run that is killed goes on with the same job at the same cursor, and
submits the job anew where Genesys no longer has it. A page that was saved and not noted is read twice, and its
conversations are then present.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple, Protocol, Self

from tasks.genesys import JobExpired, JobFailed, JobPage, ResponseTooLarge
from tasks.operations.intervals import Interval
from tasks.operations.reconciler import Conversations, ReconcileCounts, by_id
from tasks.values import instant, iso

_MAX_JOBS = 3  # submitted for one interval by one run: of a job that expires again and again none is of use


class JobCursor:
    """A submitted job, and which page of it is next: an ordinary class, for Prefect would walk through a dataclass."""

    __slots__ = ("cursor", "interval", "job_id", "submitted_at")

    def __init__(
        self, interval: Interval, job_id: str, submitted_at: datetime, cursor: str | None = None
    ) -> None:
        self.interval = interval
        self.job_id = job_id
        self.submitted_at = submitted_at
        self.cursor = cursor

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, for `from_json`."""
        return {
            "start": iso(self.interval.start),
            "end": iso(self.interval.end),
            "job": self.job_id,
            "submitted": iso(self.submitted_at),
            "cursor": self.cursor,
        }

    @classmethod
    def from_json(cls, value: Any) -> Self | None:
        """Return what `to_json` wrote; None for anything else."""
        given = value if isinstance(value, dict) else {}
        start, end, submitted = (instant(given.get(name)) for name in ("start", "end", "submitted"))
        job, cursor = given.get("job"), given.get("cursor")
        if not (start and end and submitted and isinstance(job, str) and isinstance(cursor, str | None)):
            return None
        return cls(Interval(start, end), job, submitted, cursor)


class JobCalls(NamedTuple):
    """The requests of a job; `wait` returns how many it took, `page` is given the page size."""

    submit: Callable[[Interval], Awaitable[JobCursor]]
    wait: Callable[[JobCursor], Awaitable[int]]
    page: Callable[[JobCursor, int], Awaitable[JobPage]]


class JobNotes(Protocol):
    """Where a run notes how far it has come."""

    async def read(self) -> JobCursor | None:
        """Return what was noted last."""

    async def write(self, job: JobCursor) -> None:
        """Note how far a job's results have been saved."""

    async def forget(self) -> None:
        """Forget the job."""


SaveJobPage = Callable[[Conversations, datetime], Awaitable[None]]
"""Saves the conversations of a page, as of a time."""


class JobReconciler:
    """Takes intervals through details jobs, and what the lake had of them in full through `save_page`."""

    def __init__(
        self,
        counts: ReconcileCounts,
        calls: JobCalls,
        notes: JobNotes,
        save_page: SaveJobPage,
        *,
        available_until: datetime,
        page_size: int,
    ) -> None:
        self._counts = counts
        self._calls = calls
        self._notes = notes
        self._save_page = save_page
        self._available = available_until
        self._page_size = page_size

    async def reconcile(self, interval: Interval) -> Interval:
        """Reconcile an interval, or its beginning for which an earlier run has submitted a job; return which.

        Raises JobFailed when Genesys has no results for it.
        """
        noted = await self._notes.read()
        job = noted if noted and _begins(noted.interval, interval) else None
        for _ in range(_MAX_JOBS):
            if job is None:
                job = await self._calls.submit(interval)
                self._counts.add("requests", 1)
                await self._notes.write(job)
            try:
                await self._read(job)
            except JobExpired:
                job = None
            except JobFailed:  # the next run submits another
                await self._notes.forget()
                raise
            else:
                return job.interval
        raise JobFailed(
            f"{_MAX_JOBS} details jobs for {iso(interval.start)} to {iso(interval.end)} expired before they were read: "
            "name a smaller JOB_SPAN"
        )

    async def _read(self, job: JobCursor) -> None:
        """Save every page of a job from its cursor on. Raises JobExpired."""
        self._counts.add("requests", await self._calls.wait(job))
        while True:
            page = await self._page(job)
            self._counts.add("requests", page.requests)
            available = min(self._available, page.available_until or self._available)
            found = self._complete(by_id(page.conversations), available)
            self._counts.add("seen", len(found))
            if found:
                await self._save_page(found, min(job.submitted_at, available))
            if page.cursor is None:
                return
            job.cursor = page.cursor
            await self._notes.write(job)

    async def _page(self, job: JobCursor) -> JobPage:
        """Return the page that the cursor is at, with half the page size as often as it is too large."""
        while True:
            try:
                return await self._calls.page(job, self._page_size)
            except ResponseTooLarge:
                self._counts.add("requests", 1)
                if self._page_size == 1:
                    raise
                self._page_size //= 2

    def _complete(self, found: Conversations, available: datetime) -> Conversations:
        """Return the conversations that ended before the lake's date: of the others it may have the half."""
        ended = {id_: instant(each.get("conversationEnd")) for id_, each in found.items()}
        complete = {id_: each for id_, each in found.items() if (end := ended[id_]) and end < available}
        self._counts.add("too fresh", len(found) - len(complete))
        return complete


def _begins(noted: Interval, interval: Interval) -> bool:
    return noted.start == interval.start and noted.end <= interval.end
