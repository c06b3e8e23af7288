"""quarantine: the rejected events of a run, each with its reason (the tutorial's FailInvalid)."""

from __future__ import annotations

import asyncio

from prefect import get_run_logger, task

from tasks.bootstrap import Services, services
from tasks.events import Rejection
from tasks.outcomes import Kind, Outcome
from tasks.process import in_thread
from tasks.retries import policy
from tasks.stores import QuarantineRow, Written


@task(name="quarantine", **policy(retries=5, first_delay=2))
async def quarantine(rejections: list[Rejection], flow_run_id: str) -> list[Outcome]:
    """Write the rejections to the quarantine table; one outcome each. Raises StoreUnavailable."""
    given = services()
    outcomes = await asyncio.gather(
        *(
            in_thread(given.storing, lambda rejection=rejection: _put(given, rejection, flow_run_id))  # type: ignore[misc]
            for rejection in rejections
        )
    )
    get_run_logger().warning("quarantined: %d rejected events", len(rejections))
    return outcomes


def _put(given: Services, rejection: Rejection, flow_run_id: str) -> Outcome:
    row = QuarantineRow(
        "rejected",
        rejection.code,
        rejection.reason,
        rejection.text,
        rejection.event_id,
        rejection.interaction_id,
    )
    id_ = rejection.interaction_id
    if id_ is not None and given.interactions.is_erased(id_):
        return Outcome(Kind.UNCHANGED, rejection.event_id, id_, Written.ERASED.value)
    given.quarantine.put(row, flow_run_id)
    return Outcome(
        Kind.REJECTED,
        rejection.event_id or row.quarantine_id,
        rejection.interaction_id,
        f"{rejection.code}: {rejection.reason}",
    )
