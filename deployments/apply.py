"""Make the Prefect server what the pipeline needs; done twice, the second time changes nothing and says so."""

from __future__ import annotations

from typing import Literal, NamedTuple

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate
from prefect.client.schemas.filters import WorkQueueFilter, WorkQueueFilterName
from prefect.exceptions import ObjectNotFound
from prefect.variables import Variable
from prefect.workers.process import ProcessWorker
from pydantic import ValidationError

from deployments.automations import apply_automations, notifier_id
from deployments.blocks import apply_blocks
from deployments.errors import BadValue
from deployments.resources import LIMITS, POOL_VARIABLE, POOLS, WARM_POOL, Limit, Pool, Queue, pool_choice

Done = Literal["created", "updated", "unchanged"]
_LONGEST = 7 * 24 * 3600  # seconds


class Change(NamedTuple):
    """What was done to one thing."""

    kind: str
    name: str
    done: Done


async def apply(
    client: PrefectClient,
    *,
    lost_after: float = 90,
    stuck_after: float = 300,
    crashed_after: float = 60,
    notify: str | None = None,
) -> list[Change]:
    """Create what is missing; what a person set in the UI (a limit's number) is left alone.

    `lost_after`, `stuck_after` and `crashed_after` are in seconds: a run without a heartbeat, one that stays
    Pending, one that crashed. `notify` is a notification block, as in `slack-webhook/operations`. Raises BadValue
    and NoBlock before anything is changed.
    """
    _check("--lost-after", lost_after, _silence())
    _check("--stuck-after", stuck_after)
    _check("--crashed-after", crashed_after)
    if notify is not None:
        await notifier_id(client, notify)
    changes: list[Change] = []
    for pool in POOLS:
        changes.append(await _pool(client, pool))
        for queue in pool.queues:
            changes.append(await _queue(client, pool, queue))
    for limit in LIMITS:
        changes.append(await _limit(client, limit))
    changes.append(await _variable())
    changes += [Change(*each) for each in await apply_blocks(client)]
    automations = await apply_automations(
        client,
        heartbeat_seconds=lost_after,
        pending_seconds=stuck_after,
        crashed_seconds=crashed_after,
        notification_block=notify,
    )
    changes += [Change(*each) for each in automations]
    return changes


def _check(flag: str, seconds: float, above: float = 0) -> None:
    if not above < seconds <= _LONGEST:
        why = " (two heartbeats, WORKER_HEARTBEAT_SECONDS: healthy runs would count as lost)" if above else ""
        raise BadValue(
            f"{flag} is {seconds:g}: it takes seconds above {above:g}{why}, and a week at the most"
        )


def _silence() -> float:
    """Seconds without a heartbeat that a healthy run may need: one may come late, or get lost."""
    from deployments.worker import WorkerSettings  # noqa: PLC0415 - a worker is heavy to import

    try:
        return 2 * WorkerSettings().heartbeat_seconds
    except ValidationError as error:
        names = ", ".join(f"WORKER_{str(each['loc'][0]).upper()}" for each in error.errors())
        raise BadValue(f"{names}: not usable, a number of seconds is wanted") from None


async def _pool(client: PrefectClient, pool: Pool) -> Change:
    try:
        await client.read_work_pool(pool.name)
    except ObjectNotFound:
        await client.create_work_pool(
            WorkPoolCreate(
                name=pool.name,
                type=pool.type,
                description=pool.description,
                base_job_template=_template(pool.type),
            )
        )
        return Change("work pool", pool.name, "created")
    return Change("work pool", pool.name, "unchanged")


def _template(pool_type: str) -> dict[str, object]:
    if pool_type == "process":
        return ProcessWorker.get_default_base_job_template()
    from deployments.worker import InteractionsWorker  # noqa: PLC0415 - a worker is heavy to import

    return InteractionsWorker.get_default_base_job_template()


async def _queue(client: PrefectClient, pool: Pool, queue: Queue) -> Change:
    name = f"{pool.name}/{queue.name}"
    found = await client.read_work_queues(
        work_pool_name=pool.name,
        work_queue_filter=WorkQueueFilter(name=WorkQueueFilterName(any_=[queue.name])),
    )
    if not found:
        await client.create_work_queue(
            queue.name, concurrency_limit=queue.limit, priority=queue.priority, work_pool_name=pool.name
        )
        return Change("work queue", name, "created")
    if found[0].concurrency_limit is None:  # unlimited is never what was meant
        await client.update_work_queue(found[0].id, concurrency_limit=queue.limit)
        return Change("work queue", name, "updated")
    return Change("work queue", name, "unchanged")


async def _limit(client: PrefectClient, limit: Limit) -> Change:
    try:
        await client.read_global_concurrency_limit_by_name(limit.name)
    except ObjectNotFound:
        await client.create_global_concurrency_limit(
            GlobalConcurrencyLimitCreate(name=limit.name, limit=limit.limit)
        )
        return Change("concurrency limit", limit.name, "created")
    return Change("concurrency limit", limit.name, "unchanged")


async def _variable() -> Change:
    choice, current = pool_choice(), await Variable.aget(POOL_VARIABLE)
    if current is None:
        await Variable.aset(POOL_VARIABLE, choice or WARM_POOL)
        return Change("variable", POOL_VARIABLE, "created")
    if choice is not None and choice != current:
        await Variable.aset(POOL_VARIABLE, choice, overwrite=True)
        return Change("variable", POOL_VARIABLE, "updated")
    return Change("variable", POOL_VARIABLE, "unchanged")
