"""Watching over the runs in hand: whether someone cancels or suspends them.

Prefect's own observers do not outlive an outage of the server: their connection is not made anew, and the poll that
stands in for it ends for good after three failures. So they are begun anew when they have stopped listening.
"""

from __future__ import annotations

import contextlib
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from httpx import HTTPError
from prefect._flow_run_suspension import mark_flow_run_suspension_requested
from prefect._internal.observers import FlowRunCancellingObserver, FlowRunSuspendingObserver
from prefect.events.filters import EventAnyResourceFilter, EventFilter, EventNameFilter

if TYPE_CHECKING:
    from uuid import UUID

    from prefect._internal.observers import OnCancellingCallback
    from prefect.client.schemas.objects import State

_CANCELLING = "prefect.flow-run.Cancelling"
_REST = 30.0  # seconds between two beginnings


class RunWatcher:
    """Tells of runs in hand that are cancelled; marks those that are suspended. Named as the base worker calls it."""

    def __init__(self, work_pool_id: UUID, cancel: OnCancellingCallback) -> None:
        pool = EventAnyResourceFilter(id=[f"prefect.work-pool.{work_pool_id}"])
        self._filter = EventFilter(event=EventNameFilter(name=[_CANCELLING]), any_resource=pool)
        self._cancel = cancel
        self._in_hand: set[UUID] = set()
        self._begun = 0.0
        self._stack = AsyncExitStack()
        self._observers: tuple[FlowRunCancellingObserver, FlowRunSuspendingObserver] | None = None

    async def begin(self) -> None:
        """Watch, from now on with new observers, and look once for what happened meanwhile."""
        self._begun = time.monotonic()
        async with AsyncExitStack() as stack:
            cancelling = FlowRunCancellingObserver(self._cancel, event_filter=self._filter)
            suspending = FlowRunSuspendingObserver(_suspend)
            for observer in (cancelling, suspending):
                await stack.enter_async_context(observer)
            await self.end()
            self._observers, self._stack = (cancelling, suspending), stack.pop_all()
        for flow_run_id in self._in_hand:
            self._add(flow_run_id)
        if self._in_hand:
            with contextlib.suppress(HTTPError):
                await cancelling._check_for_cancelled_flow_runs()  # type: ignore[no-untyped-call]  # noqa: SLF001

    async def renew(self) -> None:
        """Begin anew if an observer has stopped listening; not too often, for listening may not be possible."""
        deaf = any(_is_deaf(observer) for observer in self._observers or ())
        if deaf and time.monotonic() - self._begun > _REST:
            await self.begin()

    async def end(self) -> None:
        """Watch no more."""
        observers, self._observers = self._observers or (), None
        for observer in observers:
            if task := observer._polling_task:  # noqa: SLF001 - whose callback fails when it is cancelled
                task.remove_done_callback(observer._handle_polling_task_done)  # noqa: SLF001
        await self._stack.aclose()

    def add_in_flight_flow_run_id(self, flow_run_id: UUID) -> None:
        """Watch over a run as well."""
        self._in_hand.add(flow_run_id)
        self._add(flow_run_id)

    def remove_in_flight_flow_run_id(self, flow_run_id: UUID) -> None:
        """Watch over a run no more."""
        self._in_hand.discard(flow_run_id)
        for observer in self._observers or ():
            observer.remove_in_flight_flow_run_id(flow_run_id)

    def _add(self, flow_run_id: UUID) -> None:
        for observer in self._observers or ():
            observer.add_in_flight_flow_run_id(flow_run_id)


def _is_deaf(observer: FlowRunCancellingObserver | FlowRunSuspendingObserver) -> bool:
    listening = observer._consumer_task  # noqa: SLF001 - there is no other sign of it
    return listening is None or listening.done()


def _suspend(flow_run_id: UUID, state: State) -> None:
    mark_flow_run_suspension_requested(flow_run_id, state)
