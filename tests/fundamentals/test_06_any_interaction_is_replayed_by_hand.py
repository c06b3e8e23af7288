"""Whoever doubts a record fetches it anew; doing it twice is harmless."""

from __future__ import annotations

from tests.fundamentals.tour import command, new_interaction
from tests.integration.sandbox import Driver


def test_any_interaction_is_replayed_by_hand(driver: Driver) -> None:
    """One command makes the record of an interaction that no event told of."""
    interaction_id = new_interaction()

    command(
        driver,
        *("prefect", "deployment", "run", "replay-interactions/replay"),
        *("-p", f'interaction_ids=["{interaction_id}"]'),
    )

    record = driver.until(lambda: driver.settled(interaction_id))
    assert record["eventType"] == "replay"
