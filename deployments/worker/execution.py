"""One execution of a flow run in this process, on Prefect's own engine.

The engine assumes a process for each run: a heartbeat thread, a thread that waits for suspensions, and a cancelled
task that is a crash. Here the worker's own heartbeat stands for all its runs, which name it, and an execution knows
why it was stopped.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from anyio import CancelScope
from prefect.exceptions import Abort, Pause
from prefect.states import AwaitingRetry, Cancelled, Cancelling, Crashed

from deployments.worker.compat import AsyncFlowRunEngine
from deployments.worker.flow_loader import FlowRefused
from deployments.worker.owner import Owner

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun, State

_CANCELLED = "Flow run was cancelled."
_RESCHEDULED = "The worker stopped before the flow run ended."


class FlowRunExecution:
    """An execution of `flow_run` by `owner`: how to stop it, and what became of it."""

    def __init__(self, flow_run: FlowRun, owner: Owner) -> None:
        self.flow_run = flow_run
        self.owner = owner
        self._stopped: Literal["cancel", "reschedule"] | None = None
        self._engine: _Engine | None = None
        self._task: asyncio.Task[Any] | None = None

    @property
    def is_claimed(self) -> bool:
        """Whether the engine has begun; before that the server may still count the run as scheduled."""
        return self._engine is not None

    @property
    def ending(self) -> State | None:
        """The state in which an execution ends that was stopped; None for one that was not."""
        if self._stopped == "cancel":
            return Cancelled(message=_CANCELLED)
        return AwaitingRetry(message=_RESCHEDULED) if self._stopped else None

    def stop(self, why: Literal["cancel", "reschedule"]) -> None:
        """Interrupt the flow, from any thread; its engine then reports Cancelled or AwaitingRetry."""
        if self._stopped is None:
            self._stopped = why
            if self._task is not None:
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)

    async def run(self, flow: Flow[..., Any]) -> State | None:
        """Execute `flow`, and return the state that is left to report: None when the server knows how it ended.

        Nothing is raised: one flow's SystemExit must not end the others.
        """
        self._task = asyncio.current_task()
        try:
            if self._stopped is None:
                await self._execute(flow)
        except (Abort, Pause):
            return None  # the server, or the flow itself, has decided what comes next
        except BaseException as error:  # noqa: BLE001
            return self.unreported(error)
        return None if self.is_claimed else self.ending

    def unreported(self, error: BaseException) -> State | None:
        """Return the state to report after `error`; None when the engine has reported one."""
        state = self._engine.flow_run.state if self._engine and self._engine.flow_run else None
        if state is not None and not state.is_running() and not state.is_pending():
            return None
        what = str(error) if isinstance(error, FlowRefused) else f"it ended with {type(error).__name__}"
        return self.ending or Crashed(message=f"The flow run was not completed: {what}.")

    async def _execute(self, flow: Flow[..., Any]) -> None:
        # Without a deployment the engine starts no thread with a client and a websocket to wait for suspensions.
        undeployed = self.flow_run.model_copy(update={"deployment_id": None})
        engine = self._engine = _Engine(flow=flow, flow_run=undeployed, parameters=self.flow_run.parameters)
        engine.execution = self
        async with engine.start():
            while engine.is_running():
                async with engine.run_context():
                    await engine.call_flow_fn()  # type: ignore[unused-coroutine]  # typed as the flow's result


class _Engine(AsyncFlowRunEngine[Any, Any]):
    """The engine of an async flow, without a heartbeat of its own; it reports who runs it, and why it was stopped."""

    execution: FlowRunExecution

    @property
    def heartbeat_seconds(self) -> int | None:
        """None: the worker's own heartbeat stands for all its runs."""
        return None

    async def set_state(self, state: State, force: bool = False) -> State:
        """Set the run's state; Running says who has the run in hand."""
        if state.is_running():
            state.message = self.execution.owner.message
        return await super().set_state(state, force=force)

    async def handle_crash(self, exc: BaseException) -> None:
        """Report the state of an execution that was stopped; anything else is a crash."""
        ending = self.execution.ending
        if ending is None:
            await super().handle_crash(exc)
            return
        with CancelScope(shield=True):
            if ending.is_cancelled():
                await self.call_hooks(Cancelling(message=_CANCELLED))
            await self.set_state(ending, force=True)
