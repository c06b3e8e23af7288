"""A Prefect flow run processes every event and reports its outcome."""

from __future__ import annotations

from tests.support.prefect_runs import finished_run
from tests.support.sandbox import SandboxDriver
from tests.support.tutorial import customer_end, new_interaction, publish, run_command


def test_a_run_reports_the_outcome_of_its_events(driver: SandboxDriver) -> None:
    """Its name is the interaction's id, its state counts the outcomes, its artifact has a row for each event."""
    interaction_id = new_interaction()
    publish(driver, customer_end(interaction_id))

    run = finished_run(driver, interaction_id)

    assert run["name"] == interaction_id
    assert run["state"]["message"] == "1 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed"
    (outcome,) = driver.outcomes(run["id"])
    assert (outcome["interactionId"], outcome["outcome"]) == (interaction_id, "saved")


def test_inspect_shows_an_interaction_in_a_shell(driver: SandboxDriver) -> None:
    """`python -m deployments inspect` shows one interaction, without personal data."""
    interaction_id = new_interaction()
    publish(driver, customer_end(interaction_id))
    driver.until_settled(interaction_id)

    assert "settled" in run_command(driver, "deployments", "inspect", interaction_id).lower()
