"""validate: text becomes events, grouped by interaction; what is invalid becomes rejections (FailInvalid)."""

from __future__ import annotations

import asyncio

from prefect import get_run_logger, task

from tasks.batch import Validated, Work
from tasks.events import InteractionEvent, Rejection, by_interaction, parse
from tasks.retries import policy


@task(name="validate", **policy(retries=3, first_delay=2))
async def validate(events: list[str]) -> Validated:
    """Parse every event; never raises for what an event holds. Shape and rules are in `tasks.events`."""
    validated = await asyncio.to_thread(validated_from, events)
    rejected = len(validated.rejections)
    get_run_logger().info(
        "validated: %d events, %d interactions, %d rejected", len(events), len(validated.works), rejected
    )
    return validated


def validated_from(events: list[str]) -> Validated:
    """The events by interaction, in the order of their first event, and the rejections."""
    parsed = [each for text in events for each in parse(text)]
    accepted = by_interaction(each for each in parsed if isinstance(each, InteractionEvent))
    rejections = [each for each in parsed if isinstance(each, Rejection)]
    return Validated([Work(id_, found) for id_, found in accepted.items()], rejections)
