"""The requests a minute to Genesys Cloud are a concurrency limit of Prefect, changed in its UI or by its CLI."""

from __future__ import annotations

from tests.support.prefect_runs import finished_run
from tests.support.sandbox import SandboxDriver
from tests.support.tutorial import customer_end, new_interaction, publish, run_command


def test_limits_are_changed_while_it_runs(driver: SandboxDriver) -> None:
    """The limit is changed while workers run, and stays: no worker writes it."""
    run_command(driver, "prefect", "gcl", "update", "genesys-requests", "--limit", "299")
    try:
        interaction_id = new_interaction()
        driver.simulator("faults", rate_limit=250)  # Genesys's own limit is lower and applies
        publish(driver, customer_end(interaction_id))
        finished_run(driver, interaction_id)

        assert driver.limit("genesys-requests")["limit"] == 299
    finally:
        run_command(driver, "prefect", "gcl", "update", "genesys-requests", "--limit", "300")
    assert driver.limit("genesys-requests")["limit"] == 300
