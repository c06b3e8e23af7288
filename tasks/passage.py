"""The chunks of one run on their way: processed side by side, each saved as soon as it is processed.

One task run processes all chunks of a run and another one saves them, at the same time. A task run for each
chunk cost more of the Prefect server than all else together: 65 ms, of which nobody reads the most.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from tasks.batch import Processed, Work
from tasks.errors import NotReady
from tasks.save import Saving

T = TypeVar("T")


class Passage:
    """Between the two tasks; outlives their retries, so that a retry does only what is left.

    An ordinary class: Prefect would walk through a dataclass, looking for futures.
    """

    __slots__ = (
        "_changed",
        "_closed",
        "_taken",
        "attempt",
        "processed",
        "savings",
        "throttled",
        "waiting",
    )

    def __init__(self, chunks: Iterable[list[Work]], attempt: int, throttled: int = 0) -> None:
        self.waiting = list(chunks)  # not processed yet
        self.processed: list[Processed] = []
        self.savings: list[Saving] = []
        self.attempt = attempt
        self.throttled = throttled
        self._taken = 0
        self._closed = False
        self._changed = asyncio.Event()

    def hand_on(self, works: list[Work], processed: Processed) -> None:
        """Give a processed chunk to whoever saves."""
        self.waiting.remove(works)
        self.processed.append(processed)
        self._changed.set()

    def close(self) -> None:
        """Nothing more will come."""
        self._closed = True
        self._changed.set()

    async def arriving(self, flow_run_id: str) -> AsyncIterator[Saving]:
        """What is left to be saved: first what an earlier try left, then each chunk as it comes."""
        for saving in self.savings:
            if not saving.complete:
                yield saving
        while True:
            while self._taken < len(self.processed):
                processed = self.processed[self._taken]
                self._taken += 1
                saving = Saving(processed, flow_run_id, self.attempt, throttled=self.throttled)
                self.savings.append(saving)
                yield saving
            if self._closed:
                return
            self._changed.clear()
            await self._changed.wait()


async def side_by_side(
    things: Sequence[T], call: Callable[[T], Awaitable[None]], *, at_once: int
) -> list[BaseException]:
    """Call with each of the things, some at once; the errors, those that stop the whole run first."""
    in_flight = asyncio.Semaphore(at_once)

    async def one(thing: T) -> None:
        async with in_flight:
            await call(thing)

    results = await asyncio.gather(*(one(thing) for thing in things), return_exceptions=True)
    errors = [result for result in results if result is not None]
    return sorted(errors, key=lambda error: not isinstance(error, NotReady))
