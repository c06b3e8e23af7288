"""Later runs: deferred interactions get a run of their own, and a run that cannot work now goes back itself."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from httpx import HTTPError
from prefect import get_run_logger
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort
from prefect.runtime import deployment, flow_run
from prefect.states import AwaitingRetry, Scheduled

from tasks.batch import Work
from tasks.bootstrap import BadSettings, services
from tasks.errors import NotReady
from tasks.events import to_text
from tasks.settings import Settings
from tasks.stores import Deferral
from tasks.stores.dynamodb import iso

RUN_LIMIT = 500  # interactions of one later run: some 200 KB of parameters, of Prefect's 512 KB
_CHAIN = 10  # finished runs under one key that are passed over before we give up


async def schedule_later(deferred: Iterable[tuple[Work, Deferral]], work_queue: str | None = None) -> int:
    """Create the runs that ask again, one for each due time and attempt; the number of runs.

    The deferrals are in the table already: if Prefect refuses or does not answer, reconcile finds them there.
    """
    groups: dict[Deferral, list[Work]] = defaultdict(list)
    for work, deferral in deferred:
        groups[deferral].append(work)
    if not groups:
        return 0
    created = 0
    try:
        async with get_client() as client:
            target = await client.read_deployment_by_name(services().settings.live_deployment)
            for deferral, works in groups.items():
                for part in _parts(works):
                    await create_later(client, target.id, part, deferral, work_queue)
                    created += 1
    except Exception as error:  # noqa: BLE001 - the table remembers; nothing is lost by going on
        get_run_logger().error(
            "no later run could be made (%s); reconcile will ask again for what is overdue",
            type(error).__name__,
        )
    return created


async def go_back(error: NotReady) -> None:
    """Put this run back to Scheduled, to be executed again; raise the error once a day of that has passed.

    Always raises: Abort, which leaves the run in the state that was set, CannotGoBack, or the error itself.
    """
    if flow_run.id is None or deployment.id is None:  # called as a plain function: nobody runs it again
        raise error
    try:
        again = await _go_back(UUID(flow_run.id), error)
    except HTTPError as silent:
        raise CannotGoBack(f"Prefect does not take the run back ({type(silent).__name__})") from None
    get_run_logger().warning("the run goes back until %s: %s", iso(again), error)
    raise Abort(f"the run goes back: {error.code}")


class CannotGoBack(BaseException):  # no Exception: that would end the run as Failed, and its events with it
    """Neither can the batch be done nor the run go back: it crashes, and the automation schedules it again."""


async def _go_back(run_id: UUID, error: NotReady) -> datetime:
    delay, patience = _patience()
    async with get_client() as client:
        run = await client.read_flow_run(run_id)
        now = datetime.now(UTC)
        if now - (run.start_time or now) > timedelta(seconds=patience):
            raise error
        again = datetime.now(UTC) + timedelta(seconds=delay)
        state: State[Any] = AwaitingRetry(scheduled_time=again, message=f"{error.code}: {error}")
        await client.set_flow_run_state(run_id, state, force=True)
    return again


def _patience() -> tuple[float, float]:
    """Seconds until the run is tried again, and after which it gives up; the defaults where settings are wrong."""
    try:
        settings = services().settings
    except BadSettings:
        fields = Settings.model_fields
        return fields["store_retry_delay"].default, fields["store_patience"].default
    return settings.store_retry_delay, settings.store_patience


def _parts(works: list[Work]) -> Iterator[list[Work]]:
    ordered = sorted(works, key=lambda work: work.interaction_id)
    for start in range(0, len(ordered), RUN_LIMIT):
        yield ordered[start : start + RUN_LIMIT]


async def create_later(
    client: PrefectClient, deployment_id: UUID, works: list[Work], deferral: Deferral, work_queue: str | None
) -> None:
    """Create one run; a finished run that answers under the key is not an acceptance."""
    key = key_of([work.interaction_id for work in works], deferral)
    for _ in range(_CHAIN):
        run = await client.create_flow_run_from_deployment(
            deployment_id,
            name=name_of([work.interaction_id for work in works], deferral.attempt),
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


def _parameters(works: list[Work], deferral: Deferral) -> dict[str, Any]:
    throttled = {"throttled": deferral.throttled} if deferral.throttled else {}
    return {"events": [to_text(work.first) for work in works], "attempt": deferral.attempt, **throttled}


def key_of(interaction_ids: list[str], deferral: Deferral) -> str:
    """A later run's idempotency key: the interactions in order, the attempt, and when it is due."""
    ids = ",".join(interaction_ids)
    return hashlib.sha256(f"{ids}|{deferral.attempt}|{iso(deferral.due_at)}".encode()).hexdigest()


def name_of(interaction_ids: list[str], attempt: int) -> str:
    """A run's name: the interaction when it holds one, else how many; and the attempt from the second on."""
    count = len(interaction_ids)
    name = interaction_ids[0] if count == 1 else f"{count} interactions"
    return name if attempt == 1 else f"{name}, attempt {attempt}"
