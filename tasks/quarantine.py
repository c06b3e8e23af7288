"""quarantine: the rejected events of a run, each with its reason (the tutorial's FailInvalid)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from prefect import get_run_logger

from tasks.events import Rejection
from tasks.options import pipeline_task
from tasks.pipeline.outcomes import Outcome, OutcomeKind
from tasks.services import Services, get_services, in_thread
from tasks.stores import QuarantineRow, WriteOutcome

_HANDLED = (OutcomeKind.SAVED, OutcomeKind.UNCHANGED, OutcomeKind.DEFERRED)


@pipeline_task(name="quarantine", retries=5, first_delay=2)
async def quarantine(rejections: list[Rejection], flow_run_id: str) -> list[Outcome]:
    """Write the rejections to the quarantine table; return one outcome each. Raises StoreUnavailable."""
    services = get_services()
    outcomes = await asyncio.gather(
        *(in_thread(services.store_pool, partial(_put, services, each, flow_run_id)) for each in rejections)
    )
    get_run_logger().warning("quarantined: %d rejected events", len(rejections))
    return outcomes


def _put(services: Services, rejection: Rejection, flow_run_id: str) -> Outcome:
    id_ = rejection.interaction_id
    erased = Outcome(OutcomeKind.UNCHANGED, rejection.event_id, id_, WriteOutcome.ERASED.value)
    if id_ is not None and services.interactions.is_erased(id_):
        return erased
    row = QuarantineRow("rejected", rejection.code, rejection.reason, rejection.text, rejection.event_id, id_)
    services.quarantine.put(row, flow_run_id)
    if id_ is not None and services.interactions.is_erased(id_):  # since the first look
        services.quarantine.remove(row.quarantine_id)
        return erased
    return Outcome(
        OutcomeKind.REJECTED,
        rejection.event_id or row.quarantine_id,
        id_,
        f"{rejection.code}: {rejection.reason}",
    )


async def release_handled(
    services: Services, rejected: dict[str, list[str]], outcomes: list[Outcome]
) -> None:
    """Remove the `rejected` rows of interactions that a replay has handled; save removes the `failed` ones.

    `rejected` are the interactions of each replayed row that is valid now, by the row's key.
    """
    handled = {each.interaction_id for each in outcomes if each.interaction_id and each.kind in _HANDLED}
    table = services.quarantine
    calls: list[Callable[[], object]] = [
        *(partial(table.remove, key) for key, ids in rejected.items() if handled.issuperset(ids)),
        *(partial(_remove_rejected, services, id_) for id_ in handled),
    ]
    await asyncio.gather(*(in_thread(services.store_pool, call) for call in calls))


def _remove_rejected(services: Services, interaction_id: str) -> None:
    for row in services.quarantine.of_interaction(interaction_id):
        if row["reason"] == "rejected":
            services.quarantine.remove(row["quarantineId"])
