"""EventBridge delivers at least once, in any order: the record is the same whatever comes."""

from __future__ import annotations

from tests.fundamentals.tour import ended, new_interaction, put
from tests.integration.sandbox import Driver


def test_what_comes_twice_is_stored_once(driver: Driver) -> None:
    """A second event for the same end finds the record there, and leaves it as it is."""
    interaction_id = new_interaction()
    put(driver, ended(interaction_id))
    record = driver.until(lambda: driver.settled(interaction_id))

    put(driver, ended(interaction_id))

    second = driver.until(
        lambda: [r for r in driver.runs_with(interaction_id) if r["id"] not in record["runs"]]
    )
    (outcome,) = driver.outcomes(driver.finished(second[0]["id"])["id"])
    assert outcome["outcome"] == "unchanged"
    assert (driver.row(interaction_id) or {})["runs"] == record["runs"]


def test_a_newer_state_replaces_an_older_one(driver: Driver) -> None:
    """A conversation that is taken up again and ends once more ends as its latest state."""
    interaction_id = new_interaction()
    put(driver, ended(interaction_id))
    first = driver.until(lambda: driver.settled(interaction_id))

    driver.simulator(f"conversations/{interaction_id}/events", type="ended-again")
    put(driver, ended(interaction_id))

    assert driver.until(lambda: (driver.row(interaction_id) or {})["endedAt"] > first["endedAt"])
