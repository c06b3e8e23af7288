"""validate: text becomes events, grouped by interaction; what is invalid becomes rejections (FailInvalid)."""

from __future__ import annotations

import asyncio
from typing import cast

from prefect import get_run_logger, task
from prefect.utilities.annotations import quote

from tasks.batch import Validated, Work
from tasks.events import InteractionEvent, Rejection, by_interaction, outcomes
from tasks.retries import policy


async def validate(events: list[str]) -> Validated:
    """Parse every event, as a task run; never raises for what an event holds.

    The task is given them quoted: Prefect would look into each of a thousand for futures, twice.
    """
    return await _validate(cast("list[str]", quote(events)))


@task(name="validate", **policy(retries=3, first_delay=2))
async def _validate(events: list[str]) -> Validated:
    """Shape and rules are in `tasks.events`."""
    validated = await asyncio.to_thread(validated_from, events)
    rejected = len(validated.rejections)
    get_run_logger().info(
        "validated: %d events, %d interactions, %d rejected", len(events), len(validated.works), rejected
    )
    return validated


def validated_from(events: list[str]) -> Validated:
    """The events by interaction, in the order of their first event, and the rejections."""
    parsed = outcomes(events)
    accepted = by_interaction(each for each in parsed if isinstance(each, InteractionEvent))
    rejections = [each for each in parsed if isinstance(each, Rejection)]
    return Validated([Work(id_, found) for id_, found in accepted.items()], rejections)
