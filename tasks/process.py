"""process: the details of up to a hundred interactions with one request to Genesys, as records."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from prefect import get_run_logger

from tasks.errors import InternalError, PermanentError, PipelineError, TransientError
from tasks.genesys import ConversationBatch, Throttled, Unavailable
from tasks.options import pipeline_task, whole_run
from tasks.pipeline.chunk_queue import ChunkQueue, gather_bounded
from tasks.pipeline.diff import is_newer, needs_confirmation
from tasks.pipeline.email_attribute import add_addresses
from tasks.pipeline.record_names import add_names
from tasks.pipeline.work import (
    Chunk,
    FetchedInteraction,
    InteractionWork,
    PipelineRun,
    ProcessedChunk,
    SkipReason,
)
from tasks.records import InteractionRecord, build_record
from tasks.services import Services, get_services, in_thread
from tasks.settings import task_policy
from tasks.stores import Stored

_NAMED = 10  # answers whose correlation ids a run's log names; errors carry their own


@pipeline_task(name="process", retries=3, first_delay=5, timeout=whole_run)
async def process(queue: ChunkQueue, run: PipelineRun) -> None:
    """Ask Genesys for every chunk that waits in the queue, and put it back with its records.

    A slow or failing chunk delays no other. Raises TransientError, and is retried by the task, when a chunk could
    not be processed: only what still waits is asked for again.
    """
    services = get_services()

    async def one(chunk: Chunk) -> None:
        queue.put(chunk, await process_chunk(services, chunk, run))

    errors = await gather_bounded(list(queue.waiting), one, at_once=services.settings.chunks_in_flight)
    get_run_logger().info("processed, attempt %d: %s", run.attempt, counts(queue.processed))
    if errors:
        raise errors[0]


async def process_chunk(services: Services, chunk: Chunk, run: PipelineRun) -> ProcessedChunk:
    """Return the chunk's records, of one request. Raises TransientError.

    Refused credentials, or a request refused as a whole, postpone the chunk: a person has to look at them, and
    nothing is lost. A bug of ours fails the chunk's interactions.
    """
    try:
        async with asyncio.timeout(_timeout(services)):
            return await in_thread(services.fetch_pool, lambda: fetch_chunk(services, chunk, run))
    except TransientError:
        raise
    except PermanentError as error:
        return await postponed(services, chunk, error)
    except TimeoutError:
        raise TransientError("the process task ran out of time") from None
    except Exception as bug:  # noqa: BLE001 - the other chunks go on; the run fails and names these
        processed = ProcessedChunk({}, frozenset())
        processed.failed = [(work, InternalError.from_exception(bug)) for work in chunk.works]
        return processed


def _timeout(services: Services) -> float:
    """Return the time-out of one chunk in seconds.

    Doubled when e-mail attributes are on: the last of those requests may add one TASK_TIMEOUT.
    """
    timeout = task_policy().task_timeout
    return 2 * timeout if services.settings.genesys_email_attribute else timeout


async def postponed(services: Services, chunk: Chunk, error: PipelineError) -> ProcessedChunk:
    """Return a chunk that Genesys could not be asked for. Raises DependencyUnavailable."""
    ids = chunk.interaction_ids
    stored = await in_thread(services.store_pool, lambda: services.interactions.lookup(ids))
    return ProcessedChunk(stored, frozenset()).postpone(chunk.works, error)


def counts(chunks: Sequence[ProcessedChunk]) -> str:
    """Return how many interactions went which way, with the correlation ids that Genesys's support asks for."""
    fetched = sum(len(each.fetched) + each.released for each in chunks)
    names = ("missing", "postponed", "failed")
    rest = (f"{sum(len(getattr(each, name)) for each in chunks)} {name}" for name in names)
    text = ", ".join((f"{fetched} fetched", *rest))
    ids = [each.correlation_id for each in chunks if each.correlation_id]
    return f"{text}; correlation ids {' '.join(ids[:_NAMED])}" if ids else text


def fetch_chunk(services: Services, chunk: Chunk, run: PipelineRun) -> ProcessedChunk:
    """Return the chunk's records; erased interactions are not asked for. Blocks; raises PipelineError."""
    began = time.monotonic()
    ids = chunk.interaction_ids
    processed = ProcessedChunk(services.interactions.lookup(ids), services.quarantine.failed_among(ids))
    wanted = list(_not_erased(processed, chunk))
    if not wanted:
        return processed
    try:
        answer = chunk.prefetched or services.genesys[run.priority].get_conversations(
            [work.interaction_id for work in wanted]
        )
    except (Throttled, Unavailable) as error:
        if isinstance(error, Unavailable) and error.retry_after <= services.settings.genesys_max_wait:
            raise  # the task tries again
        return processed.postpone(wanted, error)
    processed.correlation_id = answer.correlation_id
    for work in wanted:
        _classify(services, processed, work, answer, run)
    add_addresses(services, processed, run.priority, began=began)
    add_names(services.directory, processed)
    if services.staging is None:  # nothing else reads them
        processed.fetched = [fetched._replace(conversation={}) for fetched in processed.fetched]
    return processed


def _not_erased(processed: ProcessedChunk, chunk: Chunk) -> list[InteractionWork]:
    wanted = []
    for work in chunk.works:
        stored = processed.stored.get(work.interaction_id)
        if stored is not None and stored.erased:
            processed.skipped.append((work, SkipReason.ERASED))
        else:
            wanted.append(work)
    return wanted


def _classify(
    services: Services,
    processed: ProcessedChunk,
    work: InteractionWork,
    answer: ConversationBatch,
    run: PipelineRun,
) -> None:
    """Add an interaction to the list of the chunk that the answer means: fetched, missing, skipped or failed."""
    id_ = work.interaction_id
    if id_ in answer.refused:
        processed.failed.append((work, answer.refused[id_]))
        return
    if id_ not in answer.conversations:
        processed.missing.append(work)
        return
    conversation = answer.conversations[id_]
    try:
        record = build_record(conversation, answer.dates[id_])
    except PermanentError as error:
        processed.failed.append((work, error))
    except Exception as bug:  # noqa: BLE001 - one interaction's bug must not cost its neighbours
        processed.failed.append((work, InternalError.from_exception(bug)))
    else:
        stored = processed.stored.get(id_)
        if not _of_wanted_queue(record, services.settings.queue_ids) and not _belongs(record, stored):
            processed.add_other_queue(work, settled=record.settled)
        elif run.only_missing and needs_confirmation(record, stored):
            processed.skipped.append((work, SkipReason.DIFFERS))
        elif (run.only_newer or run.only_missing) and not is_newer(record, stored):
            processed.skipped.append((work, SkipReason.PRESENT))
        else:
            processed.fetched.append(FetchedInteraction(work, record, conversation))


def _belongs(record: InteractionRecord, stored: Stored | None) -> bool:
    """Return whether an answer without a wanted queue is about a record all the same.

    A record that has not settled goes on until it has. A settled one stays as it is: queues are added to a
    conversation, not taken from it, so an answer that has none of them is an older state.
    """
    return stored is not None and stored.known and not (stored.settled and record.settled)


def _of_wanted_queue(record: InteractionRecord, queue_ids: tuple[str, ...]) -> bool:
    return not queue_ids or not set(queue_ids).isdisjoint(record.content.get("queueIds", ()))
