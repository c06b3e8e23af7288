"""The customer has left, but the conversation has not ended: it is fetched again later, and no run sleeps meanwhile."""

from __future__ import annotations

from tests.support.prefect_runs import finished_run
from tests.support.sandbox import SandboxDriver
from tests.support.tutorial import customer_end, new_interaction, publish


def test_what_has_not_ended_waits(driver: SandboxDriver) -> None:
    """The unsettled record is stored with the time of the next attempt; a later run stores the settled one."""
    driver.simulator("faults", not_settled_for=3600)
    interaction_id = new_interaction()
    publish(driver, customer_end(interaction_id))

    waiting = driver.until(lambda: driver.row(interaction_id))
    assert waiting["settled"] is False
    assert waiting["dueAt"] > waiting["fetchedAt"]
    (outcome,) = driver.outcomes(finished_run(driver, interaction_id)["id"])
    assert outcome["outcome"] == "deferred"

    driver.simulator("faults", not_settled_for=0)
    record = driver.until_settled(interaction_id)
    assert record["endedAt"]
    names = {run["name"] for run in driver.runs_with(interaction_id)}
    assert f"{interaction_id}, attempt 2" in names
