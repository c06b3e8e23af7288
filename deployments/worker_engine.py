"""Executes one flow run inside the worker's process, on Prefect's own engines.

Prefect's engines assume a process of their own: a signal handler, a thread with its own event loop that waits
for suspensions, and a heartbeat thread, for each run; a cancelled task is a crash. Here many runs share a
process, so the worker does those once for all runs, and an `Attempt` says why its task was stopped.
"""

from __future__ import annotations

import asyncio
import ctypes
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from anyio import CancelScope
from prefect._flow_run_suspension import register_flow_run_suspension_request
from prefect.exceptions import Abort, Pause
from prefect.flow_engine import AsyncFlowRunEngine, FlowRunEngine, _flow_parameters
from prefect.states import AwaitingRetry, Cancelled, Cancelling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefect import Flow
    from prefect._flow_run_suspension import FlowRunSuspensionRequest
    from prefect.client.schemas.objects import FlowRun, State

CANCELLED = "Flow run was cancelled."
RESCHEDULED = "The worker stopped before the flow run ended."


@dataclass
class Attempt:
    """One execution of a flow run: how to stop it, and what became of it."""

    flow_run: FlowRun
    stopped: Literal["cancel", "reschedule"] | None = None
    beats: bool = False  # whether the run is Running, and no other state has been proposed
    settled: bool = False  # the engine has told the server how this attempt ended
    engine: AsyncEngine | SyncEngine | None = None
    beaten: float = field(default_factory=time.monotonic)  # when its last heartbeat was sent, or it began
    _task: asyncio.Task[Any] | None = field(default=None, repr=False)
    _thread: int | None = field(default=None, repr=False)

    @property
    def id(self) -> UUID:
        """The flow run's id."""
        return self.flow_run.id

    @property
    def state(self) -> State | None:
        """The run's state as its engine last saw it; None before it has seen one."""
        seen = self.engine.flow_run if self.engine else None
        return seen.state if seen else None

    def stop(self, why: Literal["cancel", "reschedule"]) -> None:
        """Interrupt the flow, from any thread; the engine then reports Cancelled or AwaitingRetry."""
        self.stopped = self.stopped or why
        if self._thread is not None:
            _interrupt(self._thread)
        elif self._task is not None:
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)

    async def execute(self, flow: Flow[..., Any]) -> BaseException | None:
        """Run `flow` to its end; whatever it raises is returned, never raised."""
        self._task = asyncio.current_task()
        try:
            if self.stopped:
                return None
            await self._run(flow)
        except (Abort, Pause):
            self.settled = True  # the server, or the flow itself, has decided what comes next
        except BaseException as error:  # noqa: BLE001 - one flow's SystemExit must not end the others
            return error
        else:
            self.settled = True
        return None

    async def _run(self, flow: Flow[..., Any]) -> None:
        if flow.isgenerator:
            raise TypeError(f"flow {flow.name!r} is a generator: run it on a process work pool")
        parameters = _flow_parameters(flow=flow, flow_run=self.flow_run, parameters=None)
        if flow.isasync:
            await self._run_async(AsyncEngine(flow=flow, flow_run=self.flow_run, parameters=parameters))
        else:
            engine = SyncEngine(flow=flow, flow_run=self.flow_run, parameters=parameters)
            await asyncio.to_thread(self._run_sync, engine)

    async def _run_async(self, engine: AsyncEngine) -> None:
        self.engine = engine
        engine.attempt = self
        async with engine.start():
            while engine.is_running():
                async with engine.run_context():
                    await engine.call_flow_fn()  # type: ignore[unused-coroutine]  # typed as the flow's result

    def _run_sync(self, engine: SyncEngine) -> None:
        self.engine = engine
        engine.attempt = self
        self._thread = threading.get_ident()
        try:
            with engine.start():
                while engine.is_running():
                    with engine.run_context():
                        engine.call_flow_fn()
        finally:
            self._thread = None


def _interrupt(thread: int) -> None:
    """Raise CancelledError in `thread`, as soon as it runs Python code again."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(asyncio.CancelledError)
    )


class _Shared:
    """What both engines leave to the worker."""

    attempt: Attempt
    flow_run: FlowRun | None
    _raised: Any

    @property
    def heartbeat_seconds(self) -> int | None:
        """None: the worker's pulse beats for all runs."""
        return None

    @contextmanager
    def setup_flow_run_suspension_request(self) -> Iterator[FlowRunSuspensionRequest]:
        """Let the worker's one observer deliver a suspension, instead of a thread and a socket per run."""
        request: FlowRunSuspensionRequest = self._get_flow_run_suspension_request()  # type: ignore[attr-defined]
        with register_flow_run_suspension_request(self.attempt.id, request):
            request.raise_if_requested()
            yield request

    def _ending(self) -> State | None:
        if self.attempt.stopped == "cancel":
            return Cancelled(message=CANCELLED)
        return AwaitingRetry(message=RESCHEDULED) if self.attempt.stopped else None


class AsyncEngine(_Shared, AsyncFlowRunEngine[Any, Any]):
    """The engine of an async flow, which runs on the event loop of all flow runs."""

    async def set_state(self, state: State, force: bool = False) -> State:
        """Propose the state; the heart stops before a run can end, for a beat after the end reads as a loss."""
        self.attempt.beats = state.is_running()
        decided: State = await super().set_state(state, force)
        self.attempt.beats = decided.is_running()
        return decided

    async def handle_crash(self, exc: BaseException) -> None:
        """Report why the attempt was stopped; anything else is a crash."""
        with CancelScope(shield=True):
            ending = self._ending()
            if ending is None:
                await super().handle_crash(exc)
            else:
                if ending.is_cancelled():
                    await self.call_hooks(Cancelling(message=CANCELLED))
                await self.set_state(ending, force=True)
                self._raised = exc
            self.attempt.settled = True


class SyncEngine(_Shared, FlowRunEngine[Any, Any]):
    """The engine of a sync flow, which runs in a thread of its own."""

    def set_state(self, state: State, force: bool = False) -> State:
        """Propose the state; the heart stops before a run can end, for a beat after the end reads as a loss."""
        self.attempt.beats = state.is_running()
        decided: State = super().set_state(state, force)
        self.attempt.beats = decided.is_running()
        return decided

    def handle_crash(self, exc: BaseException) -> None:
        """Report why the attempt was stopped; anything else is a crash."""
        ending = self._ending()
        if ending is None:
            super().handle_crash(exc)
        else:
            if ending.is_cancelled():
                self.call_hooks(Cancelling(message=CANCELLED))
            self.set_state(ending, force=True)
            self._raised = exc
        self.attempt.settled = True
