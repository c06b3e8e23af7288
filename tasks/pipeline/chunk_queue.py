"""The chunks of one run between process and save: each is saved as soon as it is processed.

One task run processes all chunks of a run and another one saves them, at the same time. A task run for each
chunk cost the Prefect server 65 ms, more than everything else of a run together.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from tasks.errors import DependencyUnavailable
from tasks.pipeline.chunk_write import ChunkWrite
from tasks.pipeline.work import Chunk, ProcessedChunk

T = TypeVar("T")


class ChunkQueue:
    """Outlives the retries of both tasks, so that a retry does only what is left.

    An ordinary class: Prefect would walk through a dataclass, looking for futures.
    """

    __slots__ = ("_changed", "_closed", "_iterated", "processed", "waiting", "writes")

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self.waiting = list(chunks)  # not processed yet
        self.processed: list[ProcessedChunk] = []
        self.writes: list[ChunkWrite] = []
        self._iterated = 0
        self._closed = False
        self._changed = asyncio.Event()

    def put(self, chunk: Chunk, processed: ProcessedChunk) -> None:
        """Move a chunk from `waiting` to `processed`."""
        self.waiting.remove(chunk)
        self.processed.append(processed)
        self._changed.set()

    def close(self) -> None:
        """End the iteration behind what has been put."""
        self._closed = True
        self._changed.set()

    async def iterate(self) -> AsyncIterator[ChunkWrite]:
        """Yield what is to be written: first what an earlier try left, then each chunk as it is put."""
        for write in self.writes:
            if not write.complete:
                yield write
        while True:
            while self._iterated < len(self.processed):
                write = ChunkWrite(self.processed[self._iterated])
                self._iterated += 1
                self.writes.append(write)
                yield write
            if self._closed:
                return
            self._changed.clear()
            await self._changed.wait()


async def gather_bounded(
    items: Sequence[T], call: Callable[[T], Awaitable[None]], *, at_once: int
) -> list[BaseException]:
    """Call with each item, `at_once` at the same time; return the errors, DependencyUnavailable first."""
    in_flight = asyncio.Semaphore(at_once)

    async def one(item: T) -> None:
        async with in_flight:
            await call(item)

    results = await asyncio.gather(*(one(item) for item in items), return_exceptions=True)
    errors = [result for result in results if result is not None]
    return sorted(errors, key=lambda error: not isinstance(error, DependencyUnavailable))
