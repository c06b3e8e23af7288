"""The customer has left, and the conversation goes on: it is asked for again, and nothing sleeps meanwhile."""

from __future__ import annotations

from tests.fundamentals.tour import ended, new_interaction, put, run_of
from tests.integration.sandbox import Driver


def test_what_has_not_ended_waits(driver: Driver) -> None:
    """What is known is stored with the time of the next attempt; a later run of that name settles it."""
    driver.simulator("faults", not_settled_for=4)
    interaction_id = new_interaction()
    put(driver, ended(interaction_id))

    waiting = driver.until(lambda: driver.row(interaction_id))
    assert waiting["settled"] is False
    assert waiting["dueAt"] > waiting["fetchedAt"]
    (outcome,) = driver.outcomes(run_of(driver, interaction_id)["id"])
    assert outcome["outcome"] == "deferred"

    record = driver.until(lambda: driver.settled(interaction_id))
    assert record["endedAt"]
    names = {run["name"] for run in driver.runs_with(interaction_id)}
    assert f"{interaction_id}, attempt 2" in names
