"""What Genesys lists of an interval, through process and save: by details queries, or by details jobs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil

from flows.pipeline import process_and_save
from flows.reports.progress import Progress
from flows.runs.ask_again import ask_again
from flows.runs.checkpoint import Checkpoint, JobCheckpoint, Watermark
from flows.runs.current_run import run_id
from flows.runs.schedule import OPERATIONS_QUEUE, schedule_deferred
from tasks.genesys import ConversationBatch, QueryPage
from tasks.operations.intervals import Interval, query_intervals
from tasks.operations.job_reconciler import JobCalls, JobReconciler
from tasks.operations.reconciler import Conversations, IntervalReconciler, ReconcileCounts
from tasks.pipeline.chunk_write import ChunkWrite
from tasks.pipeline.work import Chunk, InteractionWork, PipelineRun, SkipReason
from tasks.reconcile import job_page, jobs_availability, query, submit_job, wait_for_job
from tasks.services import get_services
from tasks.values import chunked

_PROGRESS = "reconcile-progress"


async def reconcile_by_query(
    interval: Interval, mark: Checkpoint | Watermark | None, counts: ReconcileCounts, listed: set[str] | None
) -> None:
    """Take every page of the interval through process and save; add to `listed`, if given, what Genesys listed."""
    done_until, settings = await mark.done_until() if mark else None, get_services().settings
    intervals = list(query_intervals(interval, settings.reconcile_lookback, done_until))
    within = settings.objective_completeness_within
    progress = Progress(_PROGRESS, len(intervals), "intervals reconciled")
    await progress.start()

    async def save_page(page: QueryPage, conversations: Conversations) -> None:
        run = PipelineRun(run_id(), "background", only_newer=True)
        for write in await _save([_chunk(conversations, page.fetched_at)], run, counts):
            counts.health.add_page(write, conversations, within)

    reconciler = IntervalReconciler(counts, query, save_page)
    for each in intervals:
        await reconciler.reconcile(each, listed)
        await progress.add(1)
        if mark and (each.end > interval.start or isinstance(mark, Checkpoint)):
            await mark.reached(each)
    if mark:
        await mark.clear()


async def reconcile_by_jobs(
    interval: Interval, mark: Checkpoint, counts: ReconcileCounts, listed: set[str] | None
) -> Interval:
    """Store what the table lacks of an interval, by details jobs; return the part that Genesys's data lake has.

    What a row holds otherwise is asked for by its id: the lake is hours to a day old, and never overwrites a row. The
    checkpoint stays while a part of the interval is left: the next run of the same interval begins there. Adds to
    `listed`, if given, what the jobs returned.
    """
    settings = get_services().settings
    available = await jobs_availability()
    counts.add("requests", 1)
    covered, step, notes = (
        interval.until(available),
        timedelta(seconds=settings.job_span),
        JobCheckpoint(mark),
    )
    at = max(covered.start, await mark.done_until() or covered.start)

    async def save_page(conversations: Conversations, as_of: datetime) -> None:
        await _save_missing(conversations, as_of, counts)
        if listed is not None:
            listed.update(conversations)

    progress = Progress(_PROGRESS, max(0, ceil((covered.end - at) / step)), "details jobs read")
    await progress.start()
    reconciler = JobReconciler(
        counts,
        JobCalls(submit_job, wait_for_job, job_page),
        notes,
        save_page,
        available_until=available,
        page_size=settings.job_page_size,
    )
    while at < covered.end:
        done = await reconciler.reconcile(Interval(at, min(at + step, covered.end)))
        await mark.reached(done)
        await notes.forget()
        await progress.add(1)
        at = done.end
    if at >= interval.end:
        await mark.clear()
    return interval.until(max(at, covered.end))


async def _save_missing(conversations: Conversations, as_of: datetime, counts: ReconcileCounts) -> None:
    """Store the conversations that the table lacks, and ask for those that it holds otherwise by their ids.

    Raises the error because of which these could not be asked for: the page is not done.
    """
    run = PipelineRun(run_id(), "background", only_missing=True)
    size = get_services().settings.genesys_batch_size
    chunks = [_chunk(dict(part), as_of) for part in chunked(conversations.items(), size)]
    writes = await _save(chunks, run, counts)
    if why := await ask_again(list(_differing(writes)), counts):
        raise why


def _differing(writes: list[ChunkWrite]) -> Iterator[str]:
    for write in writes:
        skipped = write.processed.skipped
        yield from (work.interaction_id for work, reason in skipped if reason is SkipReason.DIFFERS)


async def _save(chunks: list[Chunk], run: PipelineRun, counts: ReconcileCounts) -> list[ChunkWrite]:
    """Take chunks through process and save; count, and return, what became of them."""
    writes = await process_and_save(chunks, run)
    for write in writes:
        counts.add_write(write)
        await schedule_deferred(write.deferred, OPERATIONS_QUEUE)
    return writes


def _chunk(conversations: Conversations, as_of: datetime) -> Chunk:
    """Return a chunk of conversations that Genesys has returned already, as of a time."""
    prefetched = ConversationBatch(
        conversations,
        missing=frozenset(),
        refused={},
        dates=dict.fromkeys(conversations, as_of),
        requests=0,
    )
    works = [InteractionWork.requested(id_, "reconcile", f"reconcile:{run_id()}") for id_ in conversations]
    return Chunk(works, prefetched)
