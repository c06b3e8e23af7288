"""The three steps as a Prefect flow of one event, as a first attempt with Prefect would have them."""

from __future__ import annotations

from functools import lru_cache

from prefect import flow, task

from tasks.events import InteractionEvent
from tasks.genesys import ConversationBatch
from tests.benchmarks.work import Work


@lru_cache(maxsize=1)
def work() -> Work:
    """Return the clients, one set for each process."""
    return Work()


@task
def validate(text: str) -> list[InteractionEvent]:
    """Return the event."""
    return work().validate([text])


@task
def fetch(events: list[InteractionEvent]) -> ConversationBatch:
    """Return the interaction's conversation."""
    return work().fetch(events)


@task
def save(fetched: ConversationBatch) -> None:
    """Write the record conditionally."""
    work().save(fetched, "prefect")


@flow(name="one-event")
def one_event(text: str) -> None:
    """Validate, fetch, save."""
    save(fetch(validate(text)))
