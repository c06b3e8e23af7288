"""A customer asks to be forgotten: record and conversation go, and no late event brings them back."""

from __future__ import annotations

from tests.fundamentals.tour import command, ended, new_interaction, put
from tests.integration.sandbox import Driver


def test_what_is_erased_stays_erased(driver: Driver) -> None:
    """A tombstone is left, which knows nothing but the id and when."""
    interaction_id = new_interaction()
    put(driver, ended(interaction_id))
    driver.until(lambda: driver.settled(interaction_id))

    command(
        driver,
        *("prefect", "deployment", "run", "erase-interactions/erase"),
        *("-p", f'interaction_ids=["{interaction_id}"]', "-p", "dry_run=false"),
    )
    tombstone = driver.until(
        lambda: (row := driver.row(interaction_id)) and ("erasedAt" in row or None) and row
    )
    put(driver, ended(interaction_id))

    last = driver.until(
        lambda: [run for run in driver.runs_with(interaction_id) if len(run["parameters"]) < 3][1:]
    )
    driver.finished(last[0]["id"])
    assert driver.row(interaction_id) == tombstone
    assert set(tombstone) == {"interactionId", "erasedAt", "receiptId"}
