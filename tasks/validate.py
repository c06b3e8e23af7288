"""validate: text becomes events, grouped by interaction; what is invalid becomes rejections (FailInvalid)."""

from __future__ import annotations

import asyncio
from typing import cast

from prefect import get_run_logger
from prefect.utilities.annotations import quote

from tasks.events import IgnoredEvent, InteractionEvent, Rejection, by_interaction, parse
from tasks.options import pipeline_task
from tasks.pipeline.work import InteractionWork, ValidatedBatch
from tasks.services import get_services


async def validate(events: list[str]) -> ValidatedBatch:
    """Parse every event, as a task run; never raises for what an event holds.

    The task is given the events quoted: Prefect would search each of a thousand texts for futures, twice.
    """
    return await _validate(cast("list[str]", quote(events)))


@pipeline_task(name="validate", retries=3, first_delay=2)
async def _validate(events: list[str]) -> ValidatedBatch:
    """Return the events by interaction; shape and rules are in `tasks.events`."""
    batch = await asyncio.to_thread(validated, events, get_services().settings.genesys_organization_id)
    get_run_logger().info(
        "validated: %d events, %d interactions, %d rejected, %d ignored",
        len(events),
        len(batch.works),
        len(batch.rejections),
        len(batch.ignored),
    )
    return batch


def validated(events: list[str], organization_id: str | None = None) -> ValidatedBatch:
    """Return the events by interaction, in the order of their first event, the rejections and what is ignored."""
    parsed = [each for text in events for each in parse(text, organization_id)]
    accepted = by_interaction(each for each in parsed if isinstance(each, InteractionEvent))
    rejections = [each for each in parsed if isinstance(each, Rejection)]
    ignored = [each for each in parsed if isinstance(each, IgnoredEvent)]
    works = [InteractionWork(id_, found) for id_, found in accepted.items()]
    return ValidatedBatch(works, rejections, ignored)
