"""Reconcile compares the conversations that Genesys Cloud lists with the table, and adds those that are missing."""

from __future__ import annotations

from tests.support.sandbox import SandboxDriver
from tests.support.tutorial import run_command


def test_what_never_arrived_is_found(driver: SandboxDriver) -> None:
    """Conversations of a day without an event are in the table afterwards."""
    day = {"start": "2026-02-03T00:00:00Z", "end": "2026-02-04T00:00:00Z"}
    missed = driver.simulator("conversations", count=3, **day)["ids"]

    run_command(
        driver,
        *("prefect", "deployment", "run", "reconcile-interactions/reconcile"),
        *("-p", "start=2026-02-03", "-p", "end=2026-02-04"),
    )

    for interaction_id in missed:
        assert driver.until_settled(interaction_id)["eventType"] == "reconcile"
