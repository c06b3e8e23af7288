"""A flow run that does nothing but what every run of the pipeline does: three tasks. Deployed by `worker_cost`."""

from __future__ import annotations

from prefect import flow, task


@task
async def step(count: int) -> int:
    """Pass the number of events on."""
    return count


@flow
async def three_tasks(events: list[str]) -> None:
    """Take the events through three tasks."""
    count = len(events)
    for _ in range(3):
        count = await step(count)
