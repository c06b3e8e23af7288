"""An erasure deletes record and conversation for good: a late event does not restore them."""

from __future__ import annotations

from tests.support.sandbox import SandboxDriver
from tests.support.tutorial import customer_end, new_interaction, publish, run_command


def test_what_is_erased_stays_erased(driver: SandboxDriver) -> None:
    """A tombstone is left, with the id, the time and the id of the report."""
    interaction_id = new_interaction()
    publish(driver, customer_end(interaction_id))
    driver.until_settled(interaction_id)

    run_command(
        driver,
        *("prefect", "deployment", "run", "erase-interactions/erase"),
        *("-p", f'interaction_ids=["{interaction_id}"]', "-p", "dry_run=false", "-p", "reason=TICKET-1"),
    )
    tombstone = driver.until(
        lambda: (row := driver.row(interaction_id)) and ("erasedAt" in row or None) and row
    )
    publish(driver, customer_end(interaction_id))

    last = driver.until(
        lambda: [run for run in driver.runs_with(interaction_id) if "events" in run["parameters"]][:-1]
    )
    driver.finished(last[0]["id"])
    assert driver.row(interaction_id) == tombstone
    assert set(tombstone) == {"interactionId", "erasedAt", "receiptId", "startDays"}
