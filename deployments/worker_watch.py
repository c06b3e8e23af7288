"""Watching over the runs in hand: whether someone cancels or suspends them.

Prefect's own observers do not outlive an outage of the server: their connection is not made anew, and the poll that
stands in for it ends for good after three failures. So they are begun anew once the server is back.
"""

from __future__ import annotations

import contextlib
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


class RunWatcher:
    """Tells of runs in hand that are cancelled; marks those that are suspended. Named as the base worker calls it."""

    def __init__(self, work_pool_id: UUID, cancel: OnCancellingCallback) -> None:
        pool = EventAnyResourceFilter(id=[f"prefect.work-pool.{work_pool_id}"])
        self._filter = EventFilter(event=EventNameFilter(name=[_CANCELLING]), any_resource=pool)
        self._cancel = cancel
        self._in_hand: set[UUID] = set()
        self._stack = AsyncExitStack()
        self._observers: tuple[FlowRunCancellingObserver, FlowRunSuspendingObserver] | None = None

    async def begin(self) -> None:
        """Watch, from now on with new observers, and look once for what happened meanwhile."""
        before, self._stack = self._stack, AsyncExitStack()
        cancelling = await self._stack.enter_async_context(
            FlowRunCancellingObserver(self._cancel, event_filter=self._filter)
        )
        suspending = await self._stack.enter_async_context(FlowRunSuspendingObserver(_suspend))
        self._observers = cancelling, suspending
        for flow_run_id in self._in_hand:
            self._add(flow_run_id)
        await before.aclose()
        if self._in_hand:
            with contextlib.suppress(HTTPError):
                await cancelling._check_for_cancelled_flow_runs()  # noqa: SLF001 - its own poll, once

    async def end(self) -> None:
        """Watch no more."""
        self._observers = None
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


def _suspend(flow_run_id: UUID, state: State) -> None:
    mark_flow_run_suspension_requested(flow_run_id, state)
