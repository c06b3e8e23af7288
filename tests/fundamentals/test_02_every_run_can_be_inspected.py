"""Every event is taken along by a Prefect run, which says what became of it."""

from __future__ import annotations

from tests.fundamentals.tour import command, ended, new_interaction, put, run_of
from tests.integration.sandbox import Driver


def test_a_run_says_what_became_of_its_events(driver: Driver) -> None:
    """Its name is the interaction's id, its state counts, its table has a row an event."""
    interaction_id = new_interaction()
    put(driver, ended(interaction_id))

    run = run_of(driver, interaction_id)

    assert run["name"] == interaction_id
    assert run["state"]["message"] == "1 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed"
    (outcome,) = driver.outcomes(run["id"])
    assert (outcome["interactionId"], outcome["outcome"]) == (interaction_id, "saved")


def test_a_shell_tells_it_as_well(driver: Driver) -> None:
    """`python -m deployments inspect` shows one interaction, without anything personal."""
    interaction_id = new_interaction()
    put(driver, ended(interaction_id))
    driver.until(lambda: driver.settled(interaction_id))

    assert "settled" in command(driver, "deployments", "inspect", interaction_id).lower()
