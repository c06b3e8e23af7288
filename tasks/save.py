"""save: the conversations in one object, then a conditional write for each interaction, and the outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from functools import partial

from prefect import get_run_logger

from tasks.concurrency import STORE_WRITES
from tasks.options import pipeline_task, whole_run
from tasks.pipeline.chunk_queue import ChunkQueue
from tasks.pipeline.chunk_write import ChunkWrite
from tasks.pipeline.work import PipelineRun
from tasks.pipeline.writer import ChunkWriter
from tasks.services import Services, get_services, in_thread
from tasks.settings import task_policy


@pipeline_task(name="save", retries=5, first_delay=2, timeout=whole_run)
async def save(queue: ChunkQueue, run: PipelineRun) -> None:
    """Write each chunk as it comes out of the queue, until the queue is closed; the outcomes are in `queue.writes`.

    Raises StoreUnavailable after the task's retries, which write only what is left.
    """
    async with asyncio.TaskGroup() as writing:
        writes = [writing.create_task(_attempt(write, run)) async for write in queue.iterate()]
    errors = [error for write in writes if (error := write.result()) is not None]
    done = sum(len(write.outcomes) for write in queue.writes)
    get_run_logger().info("saved, attempt %d: %d interactions", run.attempt, done)
    if errors:
        raise errors[0]


async def _attempt(write: ChunkWrite, run: PipelineRun) -> Exception | None:
    """Write a chunk; return its error, which is raised when the other chunks are written."""
    try:
        async with asyncio.timeout(task_policy().task_timeout):
            await write_chunk(get_services(), write, run)
        write.processed.release()
    except Exception as error:  # noqa: BLE001 - raised by the task
        return error
    return None


async def write_chunk(services: Services, write: ChunkWrite, run: PipelineRun) -> None:
    """Write what is left of a chunk, under the limit `store-writes`. Raises StoreUnavailable.

    Interactions that the table does not know yet are inserted many at once; every other one, and whatever was
    not inserted, is a conditional write of its own. Before all of them the conversations are staged in one object,
    from which those that were erased meanwhile are removed in the end.
    """
    pool, writer = services.store_pool, ChunkWriter(services, run, write)
    writer.finish_skipped()
    if writer.writes() or write.staging.erased:
        limit = await in_thread(pool, partial(services.limits.value, STORE_WRITES))
        async with services.write_leases.slot(limit):
            try:
                await in_thread(pool, writer.stage)
                await _all(in_thread(pool, insert) for insert in writer.inserts())
                await _all(in_thread(pool, call) for call in writer.writes())
            finally:  # the run may end with this attempt
                await in_thread(pool, writer.remove_erased)
    write.complete = True


async def _all(calls: Iterable[Awaitable[None]]) -> None:
    """Wait for every call, then raise the first error."""
    for error in await asyncio.gather(*calls, return_exceptions=True):
        if error is not None:
            raise error
