"""Genesys publishes no event twice for our sake: reconcile asks what there was, and adds what is missing."""

from __future__ import annotations

from tests.fundamentals.tour import command
from tests.integration.sandbox import Driver


def test_what_never_arrived_is_found(driver: Driver) -> None:
    """Conversations of a day that no event told of are in the table afterwards."""
    day = {"start": "2026-02-03T00:00:00Z", "end": "2026-02-04T00:00:00Z"}
    missed = driver.simulator("conversations", count=3, **day)["ids"]

    command(
        driver,
        *("prefect", "deployment", "run", "reconcile-interactions/reconcile"),
        *("-p", "start=2026-02-03", "-p", "end=2026-02-04"),
    )

    for interaction_id in missed:
        assert driver.until(lambda id_=interaction_id: driver.settled(id_))["eventType"] == "reconcile"
