"""query: one page of an interval's conversations. And the requests of a details job."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from itertools import count

from prefect import get_run_logger

from tasks.genesys import DetailsJobs, JobExpired, JobFailed, JobPage, JobState, QueryPage, Unavailable
from tasks.operations.intervals import Interval
from tasks.operations.job_reconciler import JobCursor
from tasks.operations.reconciler import QueryCursor
from tasks.options import background_run, pipeline_task
from tasks.services import get_services, in_thread
from tasks.values import iso


@pipeline_task(name="query", retries=3, first_delay=5)
async def query(cursor: QueryCursor) -> QueryPage:
    """Return the page of Genesys's conversations that the cursor is at.

    Only conversations that have ended are asked for, oldest first: fewer of them move between two pages.
    Raises TransientError (retried by the task) when Genesys cannot be reached, ResponseTooLarge when the page is
    more than it returns at once.
    """
    services = get_services()
    client, interval = services.genesys["background"], cursor.interval
    page = await in_thread(
        services.fetch_pool,
        lambda: client.query_conversations(
            interval.start,
            interval.end,
            page=cursor.page,
            page_size=cursor.page_size,
            queue_ids=services.settings.queue_ids,
        ),
    )
    get_run_logger().info(
        "%s, page %d of about %s conversations", interval.start.date(), cursor.page, page.total_hits
    )
    return page


@pipeline_task(name="jobs-availability", retries=3, first_delay=5)
async def jobs_availability() -> datetime:
    """Return until when Genesys's data lake is complete. Raises TransientError."""
    return await in_thread(get_services().fetch_pool, _jobs().available_until)


@pipeline_task(name="submit-job", retries=3, first_delay=5)
async def submit_job(interval: Interval) -> JobCursor:
    """Submit a details job for the ended conversations of an interval. Raises TransientError."""
    services = get_services()
    job = await in_thread(
        services.fetch_pool,
        lambda: _jobs().submit(interval.start, interval.end, queue_ids=services.settings.queue_ids),
    )
    get_run_logger().info("%s to %s: job %s", iso(interval.start), iso(interval.end), job.id)
    return JobCursor(interval, job.id, job.submitted_at)


@pipeline_task(name="wait-for-job", retries=3, first_delay=5, timeout=background_run)
async def wait_for_job(job: JobCursor) -> int:
    """Wait until a job is fulfilled; return how many requests that took.

    Raises JobExpired, JobFailed when it has failed or was cancelled, and Unavailable when it has not ended after
    JOB_TIMEOUT.
    """
    services, log, began = get_services(), get_run_logger(), time.monotonic()
    for asked in count(1):
        state = await in_thread(services.fetch_pool, lambda: _jobs().state(job.job_id))
        passed = time.monotonic() - began
        log.info("job %s is %s after %.0f s", job.job_id, state, passed)
        match state:
            case JobState.FULFILLED:
                return asked
            case JobState.EXPIRED:
                raise JobExpired(f"job {job.job_id} has expired")
            case JobState.FAILED | JobState.CANCELLED:
                raise JobFailed(
                    f"Genesys ended the details job {job.job_id} as {state}: start the same reconcile again, which "
                    "goes on there with a new job; when that fails too, with a smaller JOB_SPAN"
                )
        if passed > services.settings.job_timeout:
            raise Unavailable(f"the details job {job.job_id} is still {state} after JOB_TIMEOUT")
        await asyncio.sleep(services.settings.job_poll_interval)
    raise AssertionError  # it does not end otherwise


@pipeline_task(name="job-page", retries=3, first_delay=5)
async def job_page(job: JobCursor, page_size: int) -> JobPage:
    """Return the page of a job's results that the cursor is at.

    Raises TransientError, JobExpired when the job or its cursor is too old, ResponseTooLarge when the page is more than
    Genesys returns at once.
    """
    page = await in_thread(
        get_services().fetch_pool,
        lambda: _jobs().results(job.job_id, cursor=job.cursor, page_size=page_size),
    )
    get_run_logger().info("job %s, %d conversations", job.job_id, len(page.conversations))
    return page


def _jobs() -> DetailsJobs:
    return DetailsJobs(get_services().genesys["background"])
