"""Stored interactions that Genesys is asked for once more, by their ids, within the background share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from prefect import get_run_logger

from flows.pipeline import process_and_save
from flows.runs.current_run import run_id
from flows.runs.schedule import OPERATIONS_QUEUE, schedule_deferred
from tasks.errors import PipelineError
from tasks.operations.intervals import Interval
from tasks.operations.reconciler import ReconcileCounts
from tasks.pipeline.work import Chunk, InteractionWork, PipelineRun
from tasks.services import get_services, in_thread
from tasks.values import chunked

MAX_UNLISTED = 10_000  # interactions of one run that the table holds and Genesys does not list


async def ask_again(interaction_ids: Sequence[str], counts: ReconcileCounts) -> PipelineError | None:
    """Store what has changed of these interactions; count, and name, those that Genesys no longer returns.

    When Genesys asks for fewer requests, or refuses them, the others are left to the next run; returns its error, if
    so. Raises DependencyUnavailable.
    """
    settings = get_services().settings
    run = PipelineRun(run_id(), "background", defer_unknown=False)
    works = (InteractionWork.requested(id_, "reconcile", f"reconcile:{run_id()}") for id_ in interaction_ids)
    chunks = map(Chunk, chunked(works, settings.genesys_batch_size))
    for part in chunked(chunks, settings.chunks_in_flight):
        writes = await process_and_save(part, run)
        for write in writes:
            counts.add_answer(write)
            await schedule_deferred(write.deferred, OPERATIONS_QUEUE)
        if errors := [error for write in writes for _, error in write.processed.postponed]:
            get_run_logger().warning("%s: the next run asks for the others", errors[0].code)
            return errors[0]
    return None


async def unlisted(interval: Interval, listed: set[str]) -> list[str]:
    """Return the settled interactions that started in the interval and are not listed, MAX_UNLISTED at the most.

    They may have been listed a moment later, or under another queue: Genesys is to be asked for them by their ids.
    """
    services = get_services()

    def search() -> list[str]:
        found = services.interactions.settled_ids(interval.start, interval.end)
        return list(islice((id_ for id_ in found if id_ not in listed), MAX_UNLISTED))

    return await in_thread(services.store_pool, search)
