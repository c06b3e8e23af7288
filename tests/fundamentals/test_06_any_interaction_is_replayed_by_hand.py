"""A replay fetches any interaction again; replaying it twice changes nothing."""

from __future__ import annotations

from tests.support.sandbox import SandboxDriver
from tests.support.tutorial import new_interaction, run_command


def test_any_interaction_is_replayed_by_hand(driver: SandboxDriver) -> None:
    """One command stores the record of an interaction without an event."""
    interaction_id = new_interaction()

    run_command(
        driver,
        *("prefect", "deployment", "run", "replay-interactions/replay"),
        *("-p", f'interaction_ids=["{interaction_id}"]'),
    )

    record = driver.until_settled(interaction_id)
    assert record["eventType"] == "replay"
