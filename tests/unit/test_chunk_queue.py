"""Chunks between process and save: none waits for another, and a retry does only what is left."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from tasks.errors import DependencyUnavailable, TransientError
from tasks.pipeline.chunk_queue import ChunkQueue, gather_bounded
from tasks.pipeline.chunk_write import ChunkWrite
from tasks.pipeline.work import Chunk, FetchedInteraction, InteractionWork, ProcessedChunk
from tasks.process import counts
from tasks.records import build_record
from tests.support.samples import read_conversation


def chunk(number: int) -> Chunk:
    """Return a chunk of one interaction."""
    id_ = f"00000000-0000-4000-8000-{number:012d}"
    return Chunk([InteractionWork.requested(id_, "replay", "replay:1")])


def processed() -> ProcessedChunk:
    """Return an empty processed chunk."""
    return ProcessedChunk({}, frozenset())


async def test_a_chunk_is_yielded_while_another_is_still_processed() -> None:
    """What is put can be saved at once; the iteration ends only when the queue is closed."""
    slow, quick = chunk(1), chunk(2)
    queue = ChunkQueue([slow, quick])
    writes = queue.iterate()
    waiting = asyncio.ensure_future(anext(writes))
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.put(quick, first := processed())
    assert (await waiting).processed is first
    queue.put(slow, processed())
    queue.close()
    assert len([write async for write in writes]) == 1
    assert not queue.waiting


async def test_a_retry_yields_only_what_is_left() -> None:
    """Of three chunks the one that was not written comes again, and then what was put meanwhile."""
    chunks = [chunk(number) for number in range(3)]
    queue = ChunkQueue(chunks)
    for each in chunks[:2]:
        queue.put(each, processed())
    first = queue.iterate()
    written, failed = await anext(first), await anext(first)
    written.complete = True
    await first.aclose()  # type: ignore[attr-defined]  # an async generator behind the iterator's type
    queue.put(chunks[2], last := processed())
    queue.close()
    again: list[ChunkWrite] = [write async for write in queue.iterate()]
    assert again[0] is failed
    assert [write.processed for write in again[1:]] == [last]


async def test_errors_come_together_and_dependencies_first() -> None:
    """One item's failure stops no other; an error that reschedules the whole run comes before the rest."""
    seen: list[int] = []

    async def call(number: int) -> None:
        await asyncio.sleep(0)
        seen.append(number)
        if number:
            raise (TransientError if number == 1 else DependencyUnavailable)(str(number))

    errors = await gather_bounded([0, 1, 2], call, at_once=2)
    assert sorted(seen) == [0, 1, 2]
    assert [type(error) for error in errors] == [DependencyUnavailable, TransientError]


def test_what_was_written_is_no_longer_held_and_still_counted() -> None:
    """The log's counts stay right when a chunk was written before the last one was processed."""
    (work,) = chunk(1).works
    done = processed()
    record = build_record(read_conversation("voice"), datetime.now(UTC))
    done.fetched.append(FetchedInteraction(work, record, {}))
    before = counts([done])
    done.release()
    assert not done.fetched
    assert counts([done]) == before == "1 fetched, 0 missing, 0 postponed, 0 failed"
