"""The second pass of an erasure: the same flow once more, when every run that was in flight has ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.runtime import deployment, flow_run
from prefect.states import Scheduled

from tasks.bootstrap import services
from tasks.erase import chunks
from tasks.settings import task_policy

RUN_LIMIT = 5_000  # interactions of one run: some 200 KB of parameters, of Prefect's 512 KB
MARGIN = 60.0  # seconds that a run may take to end after its time-out


def delay() -> float:
    """Seconds from the tombstones to the second pass: no run that began before them can still write then."""
    wanted = services().settings.erase_again_after
    return task_policy().flow_timeout + MARGIN if wanted is None else wanted


async def schedule_second_pass(
    interaction_ids: list[str], external_contact_id: str | None, receipt_id: str
) -> datetime | None:
    """Schedule the runs that delete once more, and search once more for the contact; when they are due.

    None when there is nothing to make sure of, or when this run has no deployment (it was called as a plain
    function): then the caller has to run it again.
    """
    if deployment.id is None:
        get_run_logger().warning("no deployment, no second pass: run the erasure again in %.0f s", delay())
        return None
    due = datetime.now(UTC) + timedelta(seconds=delay())
    parts = chunks(interaction_ids, RUN_LIMIT) or ([[]] if external_contact_id else [])
    async with get_client() as client:
        for number, part in enumerate(parts):
            await client.create_flow_run_from_deployment(
                UUID(deployment.id),
                parameters={
                    "interaction_ids": part,
                    # One of the runs searches again: a run in flight may have stored what was not there yet.
                    "external_contact_id": external_contact_id or "" if number == 0 else "",
                    "dry_run": False,
                    "second_pass_of": receipt_id,
                },
                state=Scheduled(scheduled_time=due),
                tags=["erase", "second-pass"],
                idempotency_key=f"erase:{receipt_id}:{number}:{flow_run.run_count}",
            )
    return due if parts else None
