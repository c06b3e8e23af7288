"""EventBridge delivers at least once and in any order; the record is the same in every case."""

from __future__ import annotations

from tests.support.sandbox import SandboxDriver
from tests.support.tutorial import customer_end, new_interaction, publish


def test_what_comes_twice_is_stored_once(driver: SandboxDriver) -> None:
    """A second event of the same end leaves the record unchanged."""
    interaction_id = new_interaction()
    publish(driver, customer_end(interaction_id))
    record = driver.until_settled(interaction_id)

    publish(driver, customer_end(interaction_id))

    second = driver.until(
        lambda: [r for r in driver.runs_with(interaction_id) if r["id"] not in record["runs"]]
    )
    (outcome,) = driver.outcomes(driver.finished(second[0]["id"])["id"])
    assert outcome["outcome"] == "unchanged"
    assert driver.stored_row(interaction_id)["runs"] == record["runs"]


def test_a_newer_state_replaces_an_older_one(driver: SandboxDriver) -> None:
    """The record of a conversation that ends once more is that of its latest end."""
    interaction_id = new_interaction()
    publish(driver, customer_end(interaction_id))
    first = driver.until_settled(interaction_id)

    driver.revise(interaction_id, "ended-again")
    publish(driver, customer_end(interaction_id))

    assert driver.until(lambda: driver.stored_row(interaction_id)["endedAt"] > first["endedAt"])
