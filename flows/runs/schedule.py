"""Later runs: deferred interactions get a run of their own, and a run that cannot work now is rescheduled."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

from httpx import HTTPError
from prefect import get_run_logger
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort
from prefect.runtime import deployment, flow_run
from prefect.states import AwaitingRetry, Scheduled

from flows.runs.current_run import batch_name
from tasks.errors import DependencyUnavailable, TransientError
from tasks.events import serialize
from tasks.pipeline.work import InteractionWork
from tasks.services import get_services
from tasks.settings import value_of
from tasks.stores import Deferral
from tasks.values import chunked, iso

REPLAY_QUEUE, OPERATIONS_QUEUE = "replay", "operations"  # work queues, beside the deployment's own
MAX_INTERACTIONS = 500  # of one deferred run: some 200 KB of parameters, of Prefect's 512 KB
_MAX_FINISHED = 10  # finished runs under one key that are passed over


async def schedule_deferred(
    deferred: Iterable[tuple[InteractionWork, Deferral]], work_queue: str | None = None
) -> int:
    """Create the runs that ask again, one for each due time and attempt; return their number.

    The deferrals are in the table already: if Prefect refuses or does not answer, reconcile finds them there.
    """
    groups: dict[Deferral, list[InteractionWork]] = defaultdict(list)
    for work, deferral in deferred:
        groups[deferral].append(work)
    if not groups:
        return 0
    created = 0
    try:
        async with get_client() as client:
            target = await client.read_deployment_by_name(get_services().settings.live_deployment)
            for deferral, works in groups.items():
                for part in chunked(sorted(works, key=lambda work: work.interaction_id), MAX_INTERACTIONS):
                    await create_deferred_run(client, target.id, part, deferral, work_queue)
                    created += 1
    except Exception as error:  # noqa: BLE001 - the table has the deferrals
        get_run_logger().error(
            "no deferred run could be created (%s); reconcile will ask again for what is overdue",
            type(error).__name__,
        )
    return created


async def create_deferred_run(
    client: PrefectClient,
    deployment_id: UUID,
    works: Sequence[InteractionWork],
    deferral: Deferral,
    work_queue: str | None,
) -> None:
    """Create one run; a finished run that answers under the idempotency key is not an acceptance."""
    ids = [work.interaction_id for work in works]
    key = idempotency_key(ids, deferral)
    for _ in range(_MAX_FINISHED):
        run = await client.create_flow_run_from_deployment(
            deployment_id,
            name=batch_name(ids, deferral.attempt),
            parameters=_parameters(works, deferral),
            state=Scheduled(scheduled_time=deferral.due_at),
            tags=["deferred", f"attempt-{deferral.attempt}"],
            idempotency_key=key,
            work_queue_name=work_queue,
        )
        if run.state is None or not run.state.is_final():
            return
        key = f"{key}:{run.id}"
    raise RuntimeError("ten finished runs answered under one idempotency key")


def _parameters(works: Sequence[InteractionWork], deferral: Deferral) -> dict[str, Any]:
    throttled = {"throttled": deferral.throttled} if deferral.throttled else {}
    return {"events": [serialize(work.first) for work in works], "attempt": deferral.attempt, **throttled}


def idempotency_key(interaction_ids: Sequence[str], deferral: Deferral) -> str:
    """Return a deferred run's idempotency key: the interactions in order, the attempt, and when it is due."""
    ids = ",".join(interaction_ids)
    return hashlib.sha256(f"{ids}|{deferral.attempt}|{iso(deferral.due_at)}".encode()).hexdigest()


class RescheduleFailed(
    BaseException
):  # no Exception: that would end the run as Failed, and its events with it
    """The run cannot go on, and Prefect did not accept AwaitingRetry: it ends Crashed and is rescheduled."""


async def reschedule_current_run(error: TransientError) -> NoReturn:
    """Set this run back to AwaitingRetry; raise the error itself once STORE_RETRY_LIMIT has passed.

    An error that is no DependencyUnavailable is made one, which names it.
    Raises Abort, which leaves the run in the state that was set, RescheduleFailed, or the error.
    """
    if not isinstance(error, DependencyUnavailable):
        error = DependencyUnavailable(f"{error.code}: {error}")
    if (
        flow_run.id is None or deployment.id is None
    ):  # called as a plain function: no worker would run it again
        raise error
    try:
        again = await _reschedule(UUID(flow_run.id), error)
    except HTTPError as no_answer:
        raise RescheduleFailed(f"Prefect does not take the run back ({type(no_answer).__name__})") from None
    get_run_logger().warning("the run is rescheduled for %s: %s", iso(again), error)
    raise Abort(f"the run is rescheduled: {error.code}")


async def _reschedule(run_id: UUID, error: DependencyUnavailable) -> datetime:
    delay, limit = _retry_times()
    async with get_client() as client:
        run = await client.read_flow_run(run_id)
        now = datetime.now(UTC)
        if now - (run.start_time or now) > timedelta(seconds=limit):
            raise error
        again = datetime.now(UTC) + timedelta(seconds=delay)
        state: State[Any] = AwaitingRetry(scheduled_time=again, message=f"{error.code}: {error}")
        await client.set_flow_run_state(run_id, state, force=True)
    return again


def _retry_times() -> tuple[float, float]:
    """Return the seconds until the run is tried again, and until it gives up, though other settings may be wrong."""
    return value_of("store_retry_delay"), value_of("store_retry_limit")
