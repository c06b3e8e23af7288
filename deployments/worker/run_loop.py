"""The event loop of the flow runs, in a thread beside the worker's own.

A flow that blocks its event loop, or that lets SystemExit escape from a child task, stops neither polling nor
heartbeats. Prefect's engine installs a SIGTERM handler in the main thread only, so here it installs none.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from prefect.logging import get_logger

from deployments.worker.compat import AsyncClientContext, SyncClientContext

T = TypeVar("T")
_log = get_logger("worker.interactions")


class RunLoop:
    """An event loop in a thread of its own, with Prefect clients for everything that runs on it."""

    def __init__(self) -> None:
        self._context = contextvars.Context()  # with the client in it; every run starts with a copy
        self._clients = AsyncExitStack()
        self._closing = False
        self._thread = threading.Thread(target=self._main, name="flow-runs", daemon=True)

    async def start(self) -> None:
        """Start the thread and connect its clients; raises what connecting raised."""
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        await self._run(self._enter(), self._context)

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on that loop, in a context that no other run shares, and return its result."""
        return await self._run(coroutine, self._context.copy())

    async def stop(self) -> None:
        """Close the clients and end the thread; what still runs there is abandoned."""
        await self._run(self._clients.aclose(), self._context)
        self._closing = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join, 5)

    async def _enter(self) -> None:
        await self._clients.enter_async_context(AsyncClientContext())
        self._clients.enter_context(
            SyncClientContext()
        )  # the engine of an async flow wants one, too, with each run

    async def _run(self, coroutine: Coroutine[Any, Any, T], context: contextvars.Context) -> T:
        ended: Future[asyncio.Task[T]] = Future()
        ended.set_running_or_notify_cancel()  # so that nothing but the task's end settles it

        def begin() -> None:
            self._loop.create_task(coroutine, context=context).add_done_callback(ended.set_result)

        self._loop.call_soon_threadsafe(begin)
        return (await asyncio.wrap_future(ended)).result()

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._closing:
            try:
                self._loop.run_forever()
            except BaseException:  # noqa: BLE001 - asyncio passes a child task's SystemExit on to the loop
                _log.exception("A flow's task tried to end the process; the worker goes on")
        self._loop.close()
