"""The same three steps as a Prefect flow of one event: what a first attempt with Prefect looks like."""

from __future__ import annotations

from functools import lru_cache

from prefect import flow, task

from tasks.events import InteractionEvent
from tasks.genesys import Fetch
from tests.benchmarks.work import Work


@lru_cache(maxsize=1)
def work() -> Work:
    """The clients, once a process."""
    return Work()


@task
def validate(text: str) -> list[InteractionEvent]:
    """The event."""
    return work().validate([text])


@task
def fetch(events: list[InteractionEvent]) -> Fetch:
    """The interaction's conversation."""
    return work().fetch(events)


@task
def save(fetched: Fetch) -> None:
    """The conditional write."""
    work().save(fetched, "prefect")


@flow(name="one-event")
def one_event(text: str) -> None:
    """Validate, fetch, save."""
    save(fetch(validate(text)))
