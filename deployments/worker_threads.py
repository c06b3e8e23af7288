"""The two threads beside the worker's own: one where the flow runs execute, one that beats for them.

The flow runs have an event loop of their own so that a flow that blocks it, or that lets SystemExit escape
from a child task, stops neither polling nor cancelling. Prefect's SIGTERM handler, which would end all runs
at once, can only be installed from the main thread, so it is not installed here.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from prefect.context import AsyncClientContext
from prefect.events import emit_event

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

    from deployments.worker_engine import Attempt

T = TypeVar("T")
logger = logging.getLogger("prefect.worker.interactions")


class RunLoop:
    """An event loop in a thread of its own, with one Prefect client for everything that runs on it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._context = contextvars.Context()
        self._closing = False
        self._thread = threading.Thread(target=self._main, name="flow-runs", daemon=True)

    async def start(self) -> None:
        """Start the thread and connect its client; raises what connecting raised."""
        self._thread.start()
        await asyncio.wrap_future(self._schedule(self._enter, self._context))

    async def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine there, in a context that no other run shares, and return its result."""
        return await asyncio.wrap_future(self._schedule(make, None))

    async def stop(self) -> None:
        """Close the client and end the thread; what still runs there is abandoned."""
        await asyncio.wrap_future(self._schedule(self._exit, self._context))
        self._closing = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join, 5)

    def _schedule(
        self, make: Callable[[], Coroutine[Any, Any, T]], context: contextvars.Context | None
    ) -> Future[T]:
        outcome: Future[T] = Future()

        def begin() -> None:
            task = self._loop.create_task(make(), context=context or self._context.copy())
            task.add_done_callback(lambda done: _settle(outcome, done))

        self._loop.call_soon_threadsafe(begin)
        return outcome

    async def _enter(self) -> None:
        self._client = AsyncClientContext()
        await self._client.__aenter__()

    async def _exit(self) -> None:
        await self._client.__aexit__(None, None, None)

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._closing:
            try:
                self._loop.run_forever()
            except BaseException:  # asyncio passes a child task's SystemExit on to the loop
                logger.exception("A flow's task tried to end the process; the worker goes on")


def _settle(outcome: Future[T], task: asyncio.Task[T]) -> None:
    if outcome.cancelled():
        return
    if task.cancelled():
        outcome.set_exception(RuntimeError("cancelled"))
    elif error := task.exception():
        outcome.set_exception(error)
    else:
        outcome.set_result(task.result())


class Pulse:
    """Tells the server every `seconds` which flow runs are alive.

    A run's first beat comes one interval after its start, unlike the stock engine's: a beat that reaches the
    server after the run's end reads as a run that went silent, and a short run would be executed twice.
    """

    def __init__(self, seconds: float, attempts: Collection[Attempt]) -> None:
        self._seconds = seconds
        self._attempts = attempts
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._main, name="heartbeats", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more."""
        self._stopped.set()

    def _main(self) -> None:
        while not self._stopped.wait(self._seconds / 10):
            now = time.monotonic()
            for attempt in tuple(self._attempts):
                if now - attempt.beaten >= self._seconds:
                    attempt.beaten = now
                    self._beat(attempt)

    def _beat(self, attempt: Attempt) -> None:
        try:
            _emit(attempt)
        except Exception:
            logger.exception("No heartbeat for flow run '%s'", attempt.id)


def _emit(attempt: Attempt) -> None:
    engine = attempt.engine
    if engine is None or not attempt.beats:
        return
    resource, related = engine._build_heartbeat_event_template()  # noqa: SLF001 - the stock event, name and all
    emit_event(event="prefect.flow-run.heartbeat", resource=resource, related=related)
