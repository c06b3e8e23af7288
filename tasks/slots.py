"""Slots of a global concurrency limit, kept for the next chunk instead of being fetched for each.

A slot costs the Prefect server two calls, and who finds none free is told to ask again in some seconds. So a
process asks for few slots and keeps them: one that comes free goes to the next chunk that waits here, and back
to the server when no run is left here, or when it is old enough that other processes should have their turn.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from anyio import move_on_after
from prefect.concurrency._asyncio import (
    _discard_cleanup_lease,
    aacquire_concurrency_slots_with_lease,
    arelease_concurrency_slots_with_lease,
)

from tasks.errors import NotReady

WAIT = 60.0  # seconds, longest wait for a slot; below the task's time-out
TURN = 15.0  # seconds for which a slot is passed on within the process
_RELEASE_SECONDS = 10.0  # longest wait for a slot to be given back
_log = logging.getLogger(__name__)


class Slots:
    """One process's slots of one limit, `at_once` of them at the most, for the tasks of one event loop.

    `longest_use` is in seconds.
    """

    def __init__(self, limit: str, *, at_once: int, longest_use: float) -> None:
        self._limit = limit
        self._at_once = at_once
        self._lease_seconds = TURN + longest_use + WAIT
        self._used = 0
        self._freed = asyncio.Condition()
        self._idle: list[tuple[UUID, float]] = []
        self._runs = 0

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep idle slots while the run lasts; the last run in this process gives all back."""
        self._runs += 1
        try:
            yield
        finally:
            self._runs -= 1
            if self._runs == 0:
                await asyncio.gather(*(self._release(lease) for lease, _ in self._taken_out()))

    @asynccontextmanager
    async def one(self, total: int) -> AsyncIterator[None]:
        """Hold a slot of a limit that is `total` now; raises NotReady when Prefect does not give one."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._used < min(self._at_once, total))
            self._used += 1
        try:
            lease, since = self._idle.pop() if self._idle else await self._acquire()
            try:
                yield
            finally:
                await self._put_back(lease, since)
        finally:
            self._used -= 1
            async with self._freed:
                self._freed.notify()

    async def _put_back(self, lease: UUID, since: float) -> None:
        if self._runs and time.monotonic() - since < TURN:
            self._idle.append((lease, since))
        else:
            await self._release(lease)

    def _taken_out(self) -> list[tuple[UUID, float]]:
        idle, self._idle = self._idle, []
        return idle

    async def _acquire(self) -> tuple[UUID, float]:
        """Take a slot under a lease that outlives its use.

        Prefect's own context manager would renew the lease from a thread and a client of its own, for each chunk:
        measured, half of what a chunk asks of the server.
        """
        try:
            given = await aacquire_concurrency_slots_with_lease(
                [self._limit],
                1,
                timeout_seconds=WAIT,
                lease_duration=self._lease_seconds,
                strict=True,
            )
        except Exception as error:
            raise NotReady(f"no slot of the limit {self._limit!r} ({type(error).__name__})") from error
        _discard_cleanup_lease(given.lease_id)  # or the task's end would release it
        return given.lease_id, time.monotonic()

    async def _release(self, lease: UUID) -> None:
        """Give a slot back, even when the task is being cancelled; one that cannot be ends with its lease."""
        with move_on_after(_RELEASE_SECONDS, shield=True):
            try:
                await arelease_concurrency_slots_with_lease(lease)
            except Exception as error:  # noqa: BLE001 - the chunk is saved, which must not be undone by this
                _log.warning("a slot of %s was not released (%s)", self._limit, type(error).__name__)
