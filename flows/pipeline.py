"""validate -> process -> save: the steps that live events, replays and reconciles all go through."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from tasks.errors import DependencyUnavailable, PermanentError, TransientError
from tasks.pipeline.chunk_queue import ChunkQueue
from tasks.pipeline.chunk_write import ChunkWrite
from tasks.pipeline.outcomes import Outcome
from tasks.pipeline.work import Chunk, InteractionWork, PipelineRun, ValidatedBatch
from tasks.process import postponed, process
from tasks.quarantine import quarantine
from tasks.save import save
from tasks.services import get_services
from tasks.stores import Deferral
from tasks.validate import validate


@dataclass
class PipelineResult:
    """Every event's outcome, and the interactions that need a later run."""

    outcomes: list[Outcome] = field(default_factory=list)
    deferred: list[tuple[InteractionWork, Deferral]] = field(default_factory=list)
    needs_attention: str | None = None
    """What a person has to correct before Genesys can be asked again."""

    def add(self, write: ChunkWrite) -> None:
        """Add a written chunk."""
        for outcomes in write.outcomes.values():
            self.outcomes += outcomes
        self.deferred += write.deferred
        for _, error in write.processed.postponed:
            if isinstance(error, PermanentError):
                self.needs_attention = f"{error.code}: {error}"


async def run_pipeline(events: list[str], run: PipelineRun) -> PipelineResult:
    """Take events through all three steps.

    Raises DependencyUnavailable when the stores or the limits are not available: what was saved by then is found
    as saved when the run is executed again.
    """
    return await run_batch(await validate(events), run)


async def run_batch(batch: ValidatedBatch, run: PipelineRun) -> PipelineResult:
    """Take a validated batch through process and save, its rejections into quarantine. Raises DependencyUnavailable."""
    result = PipelineResult(batch.ignored_outcomes())
    if batch.rejections:
        result.outcomes += await quarantine(batch.rejections, run.flow_run_id)
    size = get_services().settings.genesys_batch_size
    for write in await process_and_save(batch.chunks(size), run):
        result.add(write)
    return result


async def process_and_save(chunks: Iterable[Chunk], run: PipelineRun) -> list[ChunkWrite]:
    """Process chunks side by side and save each as soon as it is processed. Raises DependencyUnavailable.

    A slow or failing chunk delays no other.
    """
    queue = ChunkQueue(chunks)
    async with get_services().write_leases.reuse():
        results = await asyncio.gather(
            _process_or_postpone(queue, run), save(queue, run), return_exceptions=True
        )
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return queue.writes


async def _process_or_postpone(queue: ChunkQueue, run: PipelineRun) -> None:
    """Process every chunk; those that Genesys cannot be asked for are postponed."""
    try:
        await process(queue, run)
    except DependencyUnavailable:
        raise
    except TransientError as error:
        for chunk in list(queue.waiting):
            queue.put(chunk, await postponed(get_services(), chunk, error))
    finally:
        queue.close()
