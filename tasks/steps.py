"""process and save for all chunks of a run: one task run each, at the same time."""

from __future__ import annotations

import asyncio

from prefect import get_run_logger, task

from tasks.batch import Work
from tasks.bootstrap import services
from tasks.passage import Passage, side_by_side
from tasks.process import counts, process_chunk
from tasks.retries import policy
from tasks.save import Saving, save_chunk
from tasks.settings import task_policy


@task(name="process", **policy(retries=3, first_delay=5, timeout=task_policy().flow_timeout))
async def process_all(passage: Passage) -> None:
    """Ask Genesys for every chunk that waits, and hand each on as soon as its records are derived.

    A slow or failing chunk holds up no other. Raises TransientError, and is retried, when one could not be
    processed: only what is left is asked for again.
    """

    async def one(works: list[Work]) -> None:
        passage.hand_on(works, await process_chunk(works, "live"))

    errors = await side_by_side(list(passage.waiting), one, at_once=services().settings.chunks_in_flight)
    get_run_logger().info("processed, attempt %d: %s", passage.attempt, counts(passage.processed))
    if errors:
        raise errors[0]


@task(name="save", **policy(retries=5, first_delay=2, timeout=task_policy().flow_timeout))
async def save_all(passage: Passage, flow_run_id: str) -> None:
    """Write each chunk as it comes, until no more will come; the outcomes are in the passage's savings.

    Raises StoreUnavailable after the task's retries, which write only what is left.
    """
    async with asyncio.TaskGroup() as writing:
        writes = [writing.create_task(_write(saving)) async for saving in passage.arriving(flow_run_id)]
    errors = [error for write in writes if (error := write.result()) is not None]
    done = sum(len(saving.outcomes) for saving in passage.savings)
    get_run_logger().info("saved, attempt %d: %d interactions", passage.attempt, done)
    if errors:
        raise errors[0]


async def _write(saving: Saving) -> Exception | None:
    try:
        async with asyncio.timeout(task_policy().task_timeout):
            await save_chunk(saving)
        saving.processed.release()
    except Exception as error:  # noqa: BLE001 - raised when the other chunks are written
        return error
    return None
