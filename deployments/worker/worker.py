"""The warm worker: a Prefect worker that executes flow runs inside its own process.

`prefect worker start --pool interactions --limit 10` finds it by the pool's type. Unlike the process worker it starts
no interpreter for each run, so a run costs a fraction, and module state (tokens, sessions) lives as long as the worker.
It takes a run up when the server announces it, with the ordinary poll behind that.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from anyio import WouldBlock
from httpx import HTTPError, HTTPStatusError, TransportError
from prefect.client.schemas import filters
from prefect.client.schemas.objects import StateType
from prefect.exceptions import Abort, Pause
from prefect.logging import get_logger
from prefect.settings import get_current_settings
from prefect.states import Pending
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from deployments.resources import BATCHES_IN_FLIGHT
from deployments.worker import compat
from deployments.worker.announcements import listen
from deployments.worker.execution import FlowRunExecution
from deployments.worker.flow_loader import FlowLoader
from deployments.worker.lost_runs import LostRuns
from deployments.worker.memory import give_large_buffers_back
from deployments.worker.owner import Owner
from deployments.worker.readiness import PRODUCT, until_ready, worker_settings
from deployments.worker.run_loop import RunLoop
from deployments.worker.scheduled import ScheduledRuns
from deployments.worker.shutdown import drain_on_sigterm
from deployments.worker.threads import take_longer_turns
from flows.runs.timeouts import FLOWS
from tasks import telemetry
from tasks.options import limited_client_retries

if TYPE_CHECKING:
    import anyio.abc
    from prefect.client.schemas.objects import FlowRun, State

_REST = 3.0  # times as long as a poll took, no other follows
_AGAIN_SECONDS = 5.0  # until a server that was away is asked for runs again
_LOOK_SECONDS = 10.0  # between two looks for cancelled runs when none is announced
_REPORT_SECONDS = 10.0  # for runs that are stopped at shutdown to report it
_OUTAGE = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})  # beside all of 5xx
_log = get_logger("worker.interactions")


class InteractionsWorker(BaseWorker[BaseJobConfiguration, BaseVariables, BaseWorkerResult]):
    """A worker whose flow runs share its process: their imports, their sessions and their tokens."""

    type = "interactions"
    job_configuration = BaseJobConfiguration

    def __init__(
        self,
        work_pool_name: str,
        work_queues: list[str] | None = None,
        *,
        limit: int | None = None,
        prefetch_seconds: float | None = None,
        heartbeat_interval_seconds: int | None = None,
        **others: Any,
    ) -> None:
        compat.check()
        self._settings = worker_settings()
        often = heartbeat_interval_seconds or self._settings.heartbeat_seconds
        limit = limit or BATCHES_IN_FLIGHT  # unlimited is never what was meant
        super().__init__(work_pool_name, work_queues, limit=limit, heartbeat_interval_seconds=often, **others)
        self._owner = Owner.new(self.name)
        self._scheduled = ScheduledRuns(
            work_queues, prefetch_seconds or get_current_settings().worker.prefetch_seconds
        )
        self._executions: dict[UUID, FlowRunExecution] = {}
        self._run_tasks: set[asyncio.Task[None]] = set()
        self._services: list[asyncio.Task[None]] = []
        self._work, self._cancelling = asyncio.Event(), asyncio.Event()  # something of it may be there
        self._polling = asyncio.Lock()
        self._polled_at = time.monotonic()
        self._alarm: asyncio.TimerHandle | None = None
        self._is_draining = self._server_is_away = self._is_waiting = False
        self._flows = FlowLoader(self._settings.flow_packages)
        self._run_loop = RunLoop()
        telemetry.observe(telemetry.RUNS, lambda: len(self._executions))

    # Starting and stopping

    async def setup(self) -> None:
        """Wait until this worker can work, start the thread for flow runs, then connect."""
        self._is_waiting = True  # which is well: an orchestrator that restarts it would change nothing
        await until_ready(product=PRODUCT in self._settings.flow_packages.split(","))
        self._is_waiting = False
        self._polled_at = time.monotonic()
        drain_on_sigterm()
        give_large_buffers_back()
        take_longer_turns()
        await self._run_loop.start()
        await super().setup()

    async def sync_with_backend(self) -> None:
        """Report to the server; an outage is waited out, however long: the base class gives up after some failures."""
        with self._outages_noted():
            await super().sync_with_backend()
        with suppress(RuntimeError):  # there is no pool yet
            if not self._services:
                self._services = self._start_services(self.work_pool.id, self.work_pool.name)

    def _start_services(self, work_pool_id: UUID, pool: str) -> list[asyncio.Task[None]]:
        announcements = listen(work_pool_id, self._work, self._cancelling)
        # A stranger's flow may be refused, crash and be scheduled again for ever.
        flows = FLOWS if self._settings.flow_packages == PRODUCT else ()
        lost_runs = LostRuns(
            self.client, pool, self._owner, self._executions, self._settings, self._outages_noted, flows
        )
        loops = (self._poll_when_announced(), self._stop_cancelled_runs(), lost_runs.reschedule())
        return [asyncio.create_task(service) for service in (announcements, *loops)]

    async def teardown(self, *exc_info: Any) -> None:
        """Take nothing up any more, let the runs in hand end, reschedule those that do not."""
        self._is_draining = True
        await self._end_of_runs(self._settings.drain_seconds)
        for execution in self._executions.values():
            execution.stop("reschedule")
        await self._end_of_runs(_REPORT_SECONDS)
        for service in self._services:
            service.cancel()
        await super().teardown(*exc_info)
        await self._run_loop.stop()

    async def _end_of_runs(self, seconds: float) -> None:
        if self._run_tasks:
            _log.info("Waiting up to %s s for %d flow run(s)", seconds, len(self._run_tasks))
            await asyncio.wait(self._run_tasks, timeout=seconds)

    @contextmanager
    def _outages_noted(self) -> Iterator[None]:
        """Log that the server is away, or back, once each; any other error is raised."""
        try:
            yield
        except HTTPError as error:
            if not _is_outage(error):
                raise
            if not self._server_is_away:
                _log.warning("Prefect does not answer (%s), asking until it does", type(error).__name__)
            self._server_is_away = True
        else:
            if self._server_is_away:
                _log.info("Prefect answers again")
            self._server_is_away = False

    # Finding work

    def is_worker_still_polling(self, query_interval_seconds: float) -> bool:
        """Whether the server was asked for work lately, answered or not: what the health check reports."""
        return self._is_waiting or time.monotonic() - self._polled_at < 30 * query_interval_seconds

    async def _poll_when_announced(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            began = time.monotonic()
            await self.get_and_submit_flow_runs()
            # Polls of large runs on a busy machine take long: then they come less often.
            await asyncio.sleep(max(self._settings.poll_spacing, _REST * (time.monotonic() - began)))

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Take up what is due, one poll at a time; a server that does not answer is asked again soon.

        Raises what has ended a service of the worker: it must not go on without one.
        """
        for service in self._services:
            if service.done():
                service.result()
        taken: list[FlowRun] = []
        async with self._polling:
            self._polled_at = time.monotonic()
            free = int(self.limiter.available_tokens)
            if self._services and free and not self._is_draining:
                with self._outages_noted():
                    due = await self._scheduled.due(self.client, self.work_pool.name, free, self._executions)
                    taken = [run for run in due.now if self._take(run)]
                    if due.next_in is not None:
                        self._poll_in(due.next_in)
        if self._server_is_away:
            self._poll_in(_AGAIN_SECONDS)
        return taken

    def _poll_in(self, seconds: float) -> None:
        """Set the alarm for the next poll, unless it rings sooner."""
        loop = asyncio.get_running_loop()
        if self._alarm is None or not loop.time() < self._alarm.when() <= loop.time() + seconds:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = loop.call_later(seconds, self._work.set)

    # Executing it

    def _take(self, flow_run: FlowRun) -> bool:
        """Begin to claim and execute the run; not when the worker is full."""
        try:
            self.limiter.acquire_on_behalf_of_nowait(flow_run.id)
        except WouldBlock:
            return False
        self._executions[flow_run.id] = FlowRunExecution(flow_run, self._owner)
        task = asyncio.create_task(self._claim_and_run(flow_run))
        self._run_tasks.add(task)
        task.add_done_callback(self._run_tasks.discard)
        return True

    async def _claim_and_run(self, flow_run: FlowRun) -> None:
        """Claim the run and execute it here, without the base class's requests about its infrastructure."""
        try:
            claim: State[Any] = Pending(message=self._owner.message)
            claimed = await compat.propose_state(self.client, claim, flow_run_id=flow_run.id)
            if claimed.is_pending():
                await self.run(flow_run, self.job_configuration())
        except (Abort, Pause) as reason:
            _log.info("Flow run '%s' is not for this worker: %s", flow_run.id, reason)
        except Exception:  # noqa: BLE001 - logged, and the others go on
            _log.exception("Flow run '%s' could not be executed", flow_run.id)
        finally:
            del self._executions[flow_run.id]
            self.limiter.release_on_behalf_of(flow_run.id)
            self._work.set()

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,  # noqa: ARG002 - there is no infrastructure to configure
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> BaseWorkerResult:
        """Execute `flow_run` in this process; whatever it raises, the worker goes on."""
        execution = self._executions[flow_run.id]
        if task_status is not None:
            task_status.started(os.getpid())
        try:
            flow = await self._flows.load(self.client, flow_run)
            state = await self._run_loop.run(execution.run(flow))
        except BaseException as error:  # noqa: BLE001 - importing a flow may raise SystemExit, too
            self.get_flow_run_logger(flow_run).error("The flow could not be loaded", exc_info=error)
            state = execution.unreported(error)
        if state is not None:
            await self.client.set_flow_run_state(flow_run.id, state, force=not state.is_crashed())
        return BaseWorkerResult(identifier=str(flow_run.id), status_code=0)

    async def _stop_cancelled_runs(self) -> None:
        """Interrupt runs in hand that are cancelled: at once when it is announced, else soon."""
        cancelled = filters.FlowRunFilterState(
            type=filters.FlowRunFilterStateType(any_=[StateType.CANCELLING, StateType.CANCELLED])
        )
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._cancelling.wait(), _LOOK_SECONDS)
            self._cancelling.clear()
            if in_hand := list(self._executions):
                of_ours = filters.FlowRunFilter(id=filters.FlowRunFilterId(any_=in_hand), state=cancelled)
                with self._outages_noted(), limited_client_retries(1):
                    for flow_run in await self.client.read_flow_runs(flow_run_filter=of_ours):
                        if flow_run.id in self._executions:
                            self._executions[flow_run.id].stop("cancel")


def _is_outage(error: HTTPError) -> bool:
    """Whether asking again can help: no answer, or the server's own trouble."""
    if isinstance(error, HTTPStatusError):
        return error.response.status_code in _OUTAGE or error.response.is_server_error
    return isinstance(error, TransportError)
