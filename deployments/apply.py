"""Create on the Prefect server what the deployments need. Applying again changes nothing and says so."""

from __future__ import annotations

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate
from prefect.client.schemas.filters import WorkQueueFilter, WorkQueueFilterName
from prefect.exceptions import ObjectNotFound
from prefect.variables import Variable
from prefect.workers.process import ProcessWorker

from deployments.automations import apply_automations, notifier_id
from deployments.blocks import apply_blocks
from deployments.recovery import RecoveryDelays
from deployments.resources import (
    LIMITS,
    POOL_VARIABLE,
    POOLS,
    STOCK_POOL,
    WARM_POOL,
    AppliedResource,
    Limit,
    Pool,
    Queue,
    pool_choice,
)


async def apply(client: PrefectClient, delays: RecoveryDelays, notify: str | None) -> list[AppliedResource]:
    """Create what is missing and return every resource; numbers that were changed in the UI stay.

    Of the pools only the one that INTERACTIONS_POOL or, without it, the variable names is created. `notify` is a
    notification block, as in `slack-webhook/operations`. Raises BadValue and NoBlock before anything is changed.
    """
    delays.check()
    choice = pool_choice()
    notifier = None if notify is None else await notifier_id(client, notify)
    applied = [await _pool_variable(choice)]
    chosen = await Variable.aget(POOL_VARIABLE)
    for pool in (pool for pool in POOLS if pool.name == chosen):
        applied.append(await _pool(client, pool))
        for queue in pool.queues:
            applied.append(await _queue(client, pool, queue))
    for limit in LIMITS:
        applied.append(await _limit(client, limit))
    applied += await apply_blocks(client)
    applied += await apply_automations(client, delays if chosen == STOCK_POOL else None, notifier)
    return applied


async def _pool(client: PrefectClient, pool: Pool) -> AppliedResource:
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
        return AppliedResource("work pool", pool.name, "created")
    return AppliedResource("work pool", pool.name, "unchanged")


def _template(pool_type: str) -> dict[str, object]:
    if pool_type == "process":
        return ProcessWorker.get_default_base_job_template()
    from deployments.worker.worker import InteractionsWorker  # noqa: PLC0415 - needed only for a new pool

    return InteractionsWorker.get_default_base_job_template()


async def _queue(client: PrefectClient, pool: Pool, queue: Queue) -> AppliedResource:
    name = f"{pool.name}/{queue.name}"
    found = await client.read_work_queues(
        work_pool_name=pool.name,
        work_queue_filter=WorkQueueFilter(name=WorkQueueFilterName(any_=[queue.name])),
    )
    if not found:
        await client.create_work_queue(
            queue.name, concurrency_limit=queue.limit, priority=queue.priority, work_pool_name=pool.name
        )
        return AppliedResource("work queue", name, "created")
    if found[0].concurrency_limit is None:  # an unlimited queue would claim every run there is
        await client.update_work_queue(found[0].id, concurrency_limit=queue.limit)
        return AppliedResource("work queue", name, "updated")
    return AppliedResource("work queue", name, "unchanged")


async def _limit(client: PrefectClient, limit: Limit) -> AppliedResource:
    try:
        await client.read_global_concurrency_limit_by_name(limit.name)
    except ObjectNotFound:
        await client.create_global_concurrency_limit(
            GlobalConcurrencyLimitCreate(name=limit.name, limit=limit.limit)
        )
        return AppliedResource("concurrency limit", limit.name, "created")
    return AppliedResource("concurrency limit", limit.name, "unchanged")


async def _pool_variable(choice: str | None) -> AppliedResource:
    current = await Variable.aget(POOL_VARIABLE)
    if current is None:
        await Variable.aset(POOL_VARIABLE, choice or WARM_POOL)
        return AppliedResource("variable", POOL_VARIABLE, "created")
    if choice is not None and choice != current:
        await Variable.aset(POOL_VARIABLE, choice, overwrite=True)
        return AppliedResource("variable", POOL_VARIABLE, "updated")
    return AppliedResource("variable", POOL_VARIABLE, "unchanged")
