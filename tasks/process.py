"""process: the details of up to a hundred interactions with one request to Genesys, as records."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TypeVar

from prefect import get_run_logger, task

from tasks.attributes import add_address
from tasks.batch import Fetched, Processed, Work
from tasks.bootstrap import Lane, Services, services
from tasks.errors import PermanentError, PipelineError, TransientError
from tasks.genesys import Fetch, Throttled, Unavailable
from tasks.records import InteractionRecord, build_record
from tasks.retries import policy
from tasks.settings import task_policy

T = TypeVar("T")
_NAMED = 10  # answers whose correlation ids a run's log names; errors carry their own


class ProcessingBug(PermanentError):
    """Our own code failed on one interaction; loud, and kept in quarantine for a replay after the mend."""

    code = "internal-error"


@task(name="process", **policy(retries=3, first_delay=5, timeout=task_policy().flow_timeout))
async def process(works: list[Work], attempt: int, lane: Lane) -> Processed:
    """Ask Genesys for the interactions and derive their records.

    A request that Genesys puts off for longer than we wait is no failure: the interactions come back as
    postponed. Raises TransientError (retried by the task) when Genesys or a store cannot be reached.
    """
    processed = await process_chunk(works, lane)
    get_run_logger().info("processed, attempt %d: %s", attempt, counts([processed]))
    return processed


async def process_chunk(works: list[Work], lane: Lane) -> Processed:
    """A chunk with one request; one that our own bug stops is failed, loudly. Raises TransientError.

    Credentials, or a whole request, that are refused are for a person to look at: nothing is lost, the chunk is
    postponed.
    """
    try:
        async with asyncio.timeout(_patience()):
            return await in_thread(services().fetching, lambda: fetch_chunk(services(), works, lane))
    except TransientError:
        raise
    except PermanentError as error:
        return await postponed(works, error)
    except TimeoutError:
        raise TransientError("the process task ran out of time") from None
    except Exception as bug:  # noqa: BLE001 - neighbours go on; the run fails and names these
        processed = Processed({}, frozenset())
        failure = ProcessingBug(
            f"{type(bug).__name__} in process: a bug of ours; replay after the next release"
        )
        processed.failed = [(work, failure) for work in works]
        return processed


def _patience() -> float:
    """Seconds for a chunk: attributes are asked for as long as one request may take, and the last may be as slow."""
    timeout = task_policy().task_timeout
    return 2 * timeout if services().settings.genesys_email_attribute else timeout


async def postponed(works: list[Work], why: PipelineError) -> Processed:
    """A chunk that Genesys cannot answer for, left to a later run unless one is on its way. Raises NotReady."""
    given, ids = services(), [work.interaction_id for work in works]
    stored = await in_thread(given.storing, lambda: given.interactions.lookup(ids))
    return Processed(stored, frozenset()).postpone(works, why)


def counts(chunks: Sequence[Processed]) -> str:
    """How many interactions went which way, for the log, and what Genesys's support calls the first answers."""
    fetched = sum(len(each.fetched) + each.released for each in chunks)
    names = ("missing", "postponed", "failed")
    rest = (f"{sum(len(getattr(each, name)) for each in chunks)} {name}" for name in names)
    told = ", ".join((f"{fetched} fetched", *rest))
    ids = [each.correlation_id for each in chunks if each.correlation_id]
    return f"{told}; correlation ids {' '.join(ids[:_NAMED])}" if ids else told


def fetch_chunk(given: Services, works: list[Work], lane: Lane) -> Processed:
    """The chunk's records; interactions that were erased are not asked for."""
    began = time.monotonic()
    ids = [work.interaction_id for work in works]
    stored = given.interactions.lookup(ids)
    processed = Processed(stored, given.quarantine.failed_among(ids))
    wanted = []
    for work in works:
        known = stored.get(work.interaction_id)
        if known is not None and known.erased:
            processed.ignored.append((work, "the interaction was erased"))
        else:
            wanted.append(work)
    if not wanted:
        return processed
    try:
        fetch = given.genesys[lane].get_conversations([work.interaction_id for work in wanted])
    except (Throttled, Unavailable) as error:
        if isinstance(error, Unavailable) and error.retry_after <= given.settings.genesys_max_wait:
            raise  # the task tries again
        return processed.postpone(wanted, error)
    processed.correlation_id = fetch.correlation_id
    _sort_out(given, processed, wanted, fetch)
    add_address(given, processed, lane, began=began)
    if given.archive is None:  # nobody else reads the conversations any more
        processed.fetched = [fetched._replace(conversation={}) for fetched in processed.fetched]
    return processed


def _sort_out(given: Services, processed: Processed, works: list[Work], fetch: Fetch) -> None:
    for work in works:
        id_ = work.interaction_id
        if id_ in fetch.refused:
            processed.failed.append((work, fetch.refused[id_]))
        elif id_ not in fetch.conversations:
            processed.missing.append(work)
        else:
            _derive(given, processed, work, fetch)


def _derive(given: Services, processed: Processed, work: Work, fetch: Fetch) -> None:
    conversation = fetch.conversations[work.interaction_id]
    try:
        record = build_record(conversation, fetch.dates[work.interaction_id])
    except PermanentError as error:
        processed.failed.append((work, error))
    except Exception as bug:  # noqa: BLE001 - one interaction's bug must not cost its neighbours
        processed.failed.append((work, as_bug(bug)))
    else:
        if record.settled and not _wanted_queue(record, given.settings.queue_ids):
            processed.ignored.append((work, "it touched none of the queues in QUEUE_IDS"))
        else:
            processed.fetched.append(Fetched(work, record, conversation))


def _wanted_queue(record: InteractionRecord, queue_ids: tuple[str, ...]) -> bool:
    return not queue_ids or not set(queue_ids).isdisjoint(record.content.get("queueIds", ()))


def as_bug(bug: Exception) -> ProcessingBug:
    """Where it happened, without the message: it may quote the conversation."""
    trace = bug.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}" if trace else "unknown"
    return ProcessingBug(f"{type(bug).__name__} in {where}: a bug of ours; replay after the next release")


async def in_thread(pool: Executor, call: Callable[[], T]) -> T:
    """Run a blocking call in a pool, with the run's logging context."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(pool, lambda: context.run(call))
