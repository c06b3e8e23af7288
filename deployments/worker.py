"""The warm worker: a Prefect worker that executes flow runs inside its own process.

`prefect worker start --pool interactions --limit 10` finds it by the pool's type. Unlike the process worker
it starts no interpreter per run, so a run costs a tenth, and module state (tokens, sessions) lives as long
as the worker. It takes a run up when the server announces it, with the ordinary poll behind that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from httpx import HTTPError, HTTPStatusError, TransportError
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventAnyResourceFilter, EventFilter, EventNameFilter
from prefect.states import AwaitingRetry
from prefect.types._datetime import now
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from deployments.worker_engine import RESCHEDULED, Attempt
from deployments.worker_flows import FlowCache
from deployments.worker_memory import give_large_buffers_back
from deployments.worker_stop import drain_on_sigterm
from deployments.worker_threads import Pulse, RunLoop
from deployments.worker_watch import RunWatcher
from tasks.impatience import retrying

if TYPE_CHECKING:
    from uuid import UUID

    import anyio.abc
    from prefect._internal.observers import FlowRunCancellingObserver
    from prefect.client.schemas.objects import FlowRun

# The states after which there may be something to pick up: a run that is due, or a slot that came free.
_ANNOUNCEMENTS = [
    f"prefect.flow-run.{name}"
    for name in (
        *("Scheduled", "AwaitingRetry", "AwaitingConcurrencySlot", "Late", "Resuming"),
        *("WorkerLost", "StuckPending", "RunCrashed"),
        *("Completed", "Failed", "Crashed", "Cancelled", "TimedOut"),
    )
]
_REST = 3.0  # times as long as a poll took, no other follows
_AHEAD = 10  # runs beyond those that can be taken up that a poll may bring: they set an alarm
_AGAIN_SECONDS = 5.0  # until a server that was away is asked again: for announcements, and for runs
_OUTAGE = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})  # beside all of 5xx
_REPORT_SECONDS = 10.0  # for runs that are stopped at shutdown to report it


class WorkerSettings(BaseSettings):
    """How the warm worker behaves; each field's environment variable is WORKER_ and its upper-case name."""

    model_config = SettingsConfigDict(env_prefix="WORKER_")

    heartbeat_seconds: float = Field(default=30.0, gt=0, description="Seconds between a run's heartbeats")
    drain_seconds: float = Field(
        default=20.0, ge=0, description="Seconds that runs in hand have to end after SIGTERM"
    )
    poll_spacing: float = Field(
        default=0.2, ge=0, description="Least seconds between two polls, however many announcements come"
    )


class InteractionsWorker(BaseWorker[BaseJobConfiguration, BaseVariables, BaseWorkerResult]):
    """A worker whose flow runs share its process: their imports, their sessions and their tokens."""

    type = "interactions"
    job_configuration = BaseJobConfiguration
    _description = "Executes flow runs inside the worker's own process. No interpreter is started per run."
    _display_name = "Interactions"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.settings = WorkerSettings()
        self._attempts: dict[UUID, Attempt] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._wake = asyncio.Event()
        self._polling = asyncio.Lock()
        self._draining = False
        self._away = False  # the server, at the last poll
        self._watcher: RunWatcher | None = None
        self._services: list[asyncio.Task[None]] = []
        self._flows = FlowCache()
        self._run_loop = RunLoop()
        self._pulse = Pulse(self.settings.heartbeat_seconds, self._attempts.values())

    # Starting and stopping

    async def setup(self) -> None:
        """Start the thread for flow runs and the heartbeats, then connect."""
        drain_on_sigterm()
        give_large_buffers_back()
        await self._run_loop.start()
        self._pulse.start()
        await super().setup()

    async def _sync_and_initialize(self) -> None:
        """Report to the server; once that has been done, an outage is waited out, however long it is.

        The base class gives up after some twelve failures, and nobody starts a worker again that was started by hand.
        """
        try:
            await super()._sync_and_initialize()
        except HTTPError as error:
            if not (self._has_successfully_synced and _is_outage(error)):
                raise

    async def _initialize_after_sync(self) -> None:
        await super()._initialize_after_sync()
        if self._has_successfully_synced and not self._services:
            self._services = [
                asyncio.create_task(self._listen()),
                asyncio.create_task(self._poll_when_woken()),
            ]

    async def teardown(self, *exc_info: Any) -> None:
        """Take nothing up any more, let the runs in hand end, reschedule those that do not."""
        self._draining = True
        for service in self._services:
            service.cancel()
        await self._drain()
        self._pulse.stop()
        await super().teardown(*exc_info)
        await self._run_loop.stop()

    async def _drain(self) -> None:
        if self._attempts:
            self._logger.info(
                "Waiting up to %s s for %s flow run(s)", self.settings.drain_seconds, len(self._attempts)
            )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self.settings.drain_seconds)
        for attempt in tuple(self._attempts.values()):
            attempt.stop("reschedule")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), _REPORT_SECONDS)

    # Finding work

    async def _listen(self) -> None:
        """Wake the poller whenever the server announces work for this pool."""
        pool = EventAnyResourceFilter(id=[f"prefect.work-pool.{self.work_pool.id}"])
        wanted = EventFilter(event=EventNameFilter(name=_ANNOUNCEMENTS), any_resource=pool)
        was_away = False
        while True:
            try:
                async with get_events_subscriber(filter=wanted) as announcements:
                    self._wake.set()  # for what was announced before
                    was_away = False
                    async for _ in announcements:
                        self._wake.set()
            except Exception as error:  # noqa: BLE001 - the ordinary poll goes on meanwhile
                if not was_away:
                    self._logger.warning(
                        "No announcements of flow runs, polling only: %s", type(error).__name__
                    )
            was_away = True
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _poll_when_woken(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            began = time.monotonic()
            if self._limiter is None or self._limiter.available_tokens > 0:
                try:
                    await self.get_and_submit_flow_runs()
                except Exception as error:  # noqa: BLE001 - the ordinary poll tries again
                    self._logger.warning("A poll failed: %s", type(error).__name__)
            # Polls of large runs on a busy machine take long: then they come less often.
            await asyncio.sleep(max(self.settings.poll_spacing, _REST * (time.monotonic() - began)))

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Take up what is due, one poll at a time; a server that does not answer is asked again soon."""
        async with self._polling:
            if self._draining:
                return []
            try:
                taken = await super().get_and_submit_flow_runs()
            except HTTPError as error:
                if not _is_outage(error):
                    raise
                self._note_outage(type(error).__name__)
                asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._wake.set)
                return []
            self._note_outage(None)
            if self._watcher is not None:
                await self._watcher.renew()
            return taken

    def _note_outage(self, error: str | None) -> None:
        """Log that the server is away, or back: once each."""
        if error and not self._away:
            self._logger.warning("Prefect does not answer (%s); it is asked again until it does", error)
        elif self._away and not error:
            self._logger.info("Prefect answers again")
        self._away = error is not None

    async def _get_scheduled_flow_runs(self) -> list[WorkerFlowRunResponse]:
        """Return the runs that are due; those due before the next poll set an alarm."""
        found = await self._soon_due()
        due = []
        for entry in found:
            wait = _seconds_until_due(entry.flow_run)
            if wait > 0:
                asyncio.get_running_loop().call_later(wait, self._wake.set)
            else:
                due.append(entry)
        return due

    async def _soon_due(self) -> list[WorkerFlowRunResponse]:
        """Return what is due before the next poll, as many as can be taken up and one more.

        The base class's request brings 200 runs, with all their parameters: half a megabyte each in a burst. What
        fills ours without being for us (later runs of a queue with priority, a run in hand that was taken for lost)
        may hide what is due: then a second request brings more.
        """
        if self._limiter is None:
            return await self._scheduled(None)
        free = int(self._limiter.available_tokens)
        # Runs that are being claimed still count as scheduled.
        claimed = sum(attempt.engine is None for attempt in self._attempts.values())
        found = await self._scheduled(free + claimed + 1)
        if len(found) <= free + claimed or sum(map(self._takes, found)) >= free:
            return found
        return await self._scheduled(free + len(self._attempts) + _AHEAD)

    def _takes(self, entry: WorkerFlowRunResponse) -> bool:
        known = entry.flow_run.id in self._submitting_flow_run_ids
        return not known and _seconds_until_due(entry.flow_run) <= 0

    async def _scheduled(self, limit: int | None) -> list[WorkerFlowRunResponse]:
        body: dict[str, Any] = {
            "work_queue_names": list(self._work_queues),
            "scheduled_before": (now("UTC") + timedelta(seconds=int(self._prefetch_seconds))).isoformat(),
        }
        try:
            # A minute of retries would outlast an outage; one is for a CSRF token that has to be made anew.
            with retrying(1):
                answer = await self.client.request(
                    "POST",
                    "/work_pools/{name}/get_scheduled_flow_runs",
                    path_params={"name": self._work_pool_name},
                    json=body if limit is None else body | {"limit": limit},
                )
        except HTTPStatusError as error:
            if error.response.status_code == HTTPStatus.NOT_FOUND:  # the pool is made with the next heartbeat
                return []
            raise
        return WorkerFlowRunResponse.model_validate_list(answer.json())

    # Executing it

    async def _submit_run(self, flow_run: FlowRun) -> None:
        """Claim the run and execute it here.

        Replaces the base class's way, which resolves and reports an infrastructure first: six requests to
        the API for something that is already there.
        """
        self._attempts[flow_run.id] = Attempt(flow_run)
        self._idle.clear()
        try:
            if await self._propose_pending_state(flow_run):
                await self.run(flow_run, self.job_configuration())
        except Exception:
            self._logger.exception("Flow run '%s' could not be executed", flow_run.id)
        finally:
            self._forget(flow_run.id)

    def _forget(self, flow_run_id: UUID) -> None:
        self._attempts.pop(flow_run_id, None)
        if not self._attempts:
            self._idle.set()
        self._release_limit_slot(flow_run_id)
        self._submitting_flow_run_ids.discard(flow_run_id)
        if self._cancelling_observer is not None:
            self._cancelling_observer.remove_in_flight_flow_run_id(flow_run_id)
        self._wake.set()

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,  # noqa: ARG002 - there is no infrastructure to configure
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> BaseWorkerResult:
        """Execute `flow_run` in this process; whatever it raises, the worker goes on."""
        attempt = self._attempts.setdefault(flow_run.id, Attempt(flow_run))
        if task_status is not None:
            task_status.started(os.getpid())
        error: BaseException | None = None
        try:
            flow = await self._flows.load(self.client, flow_run)
            error = await self._run_loop.run(lambda: attempt.execute(flow))
        except BaseException as raised:  # noqa: BLE001 - importing a flow may raise SystemExit, too
            error = raised
        if not attempt.settled:
            await self._settle(attempt, error)
        return BaseWorkerResult(identifier=str(flow_run.id), status_code=0)

    async def _settle(self, attempt: Attempt, error: BaseException | None) -> None:
        """Tell the server how an attempt ended that the engine could not report."""
        if attempt.stopped == "cancel":
            await self._mark_flow_run_as_cancelled(attempt.flow_run)
        elif attempt.stopped == "reschedule":
            await self.client.set_flow_run_state(attempt.id, AwaitingRetry(message=RESCHEDULED), force=True)
        elif attempt.state is None or not attempt.state.is_final():
            self.get_flow_run_logger(attempt.flow_run).error("The flow run crashed", exc_info=error)
            await self._propose_crashed_state(
                attempt.flow_run, f"The flow run ended with {type(error).__name__}."
            )

    async def _setup_cancellation_observer(self) -> None:
        """Watch for cancelled runs, whatever PREFECT_WORKER_ENABLE_CANCELLATION says: nobody else could."""
        if self._watcher is None and self._work_pool is not None:
            self._watcher = RunWatcher(self._work_pool.id, self._cancel)
            self._cancelling_observer = cast("FlowRunCancellingObserver", self._watcher)
            self._exit_stack.push_async_callback(self._watcher.end)
            await self._watcher.begin()

    def _cancel(self, flow_run_id: UUID) -> None:
        """Interrupt a run in hand; its engine runs the hooks and reports Cancelled."""
        if flow_run_id in self._attempts and self._runs_task_group is not None:
            self._runs_task_group.start_soon(self._cancel_if_meant, flow_run_id)

    async def _cancel_if_meant(self, flow_run_id: UUID) -> None:
        """An event of the last minute may be told again, of a run that was started anew since."""
        with contextlib.suppress(HTTPError):
            state = (await self.client.read_flow_run(flow_run_id)).state
            if state is not None and not (state.is_cancelling() or state.is_cancelled()):
                return
        if attempt := self._attempts.get(flow_run_id):
            attempt.stop("cancel")


def _seconds_until_due(flow_run: FlowRun) -> float:
    due = flow_run.next_scheduled_start_time
    return due.timestamp() - time.time() if due else 0.0


def _is_outage(error: HTTPError) -> bool:
    """Whether asking again can help: no answer, or the server's own trouble."""
    if isinstance(error, HTTPStatusError):
        return error.response.status_code in _OUTAGE or error.response.is_server_error
    return isinstance(error, TransportError)
