"""The follow-up of an erasure: the same flow once more, when every run that was in flight has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from httpx import HTTPError
from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.runtime import deployment, flow_run
from prefect.states import Scheduled

from flows.runs.timeouts import longest_run
from tasks.errors import DependencyUnavailable
from tasks.operations.subject import Subject
from tasks.services import get_services
from tasks.settings import task_policy
from tasks.values import chunked

MAX_INTERACTIONS = 5_000  # of one run: some 200 KB of parameters, of Prefect's 512 KB
_MARGIN = 60.0  # seconds that a run may take to end after its time-out


def follow_up_delay() -> float:
    """Return the seconds from the tombstones to the follow-up: a run that began before them has ended by then."""
    configured = get_services().settings.erase_follow_up_after
    return longest_run(task_policy()) + _MARGIN if configured is None else configured


async def schedule_follow_up(
    interaction_ids: Sequence[str], subject: Subject, receipt_id: str
) -> datetime | None:
    """Schedule the runs that delete once more, and search once more for the person; return when they are due.

    None when there is nothing to follow up, or when this run has no deployment (it was called as a plain function):
    then the caller has to erase again. Raises DependencyUnavailable when Prefect does not take them.
    """
    if deployment.id is None:
        get_run_logger().warning(
            "no deployment, no follow-up: run the erasure again in %.0f s", follow_up_delay()
        )
        return None
    due = datetime.now(UTC) + timedelta(seconds=follow_up_delay())
    parts = list(chunked(interaction_ids, MAX_INTERACTIONS)) or ([[]] if subject.searched else [])
    try:
        async with get_client() as client:
            for number, part in enumerate(parts):
                # One of the runs searches again: a run in flight may have stored what was not there yet.
                searched = subject if number == 0 else Subject()
                parameters = {
                    "interaction_ids": list(part),
                    "external_contact_id": searched.external_contact_id or "",
                    "customer_keys": list(searched.customer_keys),
                }
                await client.create_flow_run_from_deployment(
                    UUID(deployment.id),
                    parameters=parameters | {"dry_run": False, "second_pass_of": receipt_id},
                    state=Scheduled(scheduled_time=due),
                    tags=["erase", "second-pass"],
                    idempotency_key=f"erase:{receipt_id}:{number}:{flow_run.run_count}",
                )
    except HTTPError as error:
        raise DependencyUnavailable(f"Prefect takes no follow-up ({type(error).__name__})") from None
    return due if parts else None
