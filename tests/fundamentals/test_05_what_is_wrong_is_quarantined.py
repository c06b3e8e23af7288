"""An event that cannot be understood is kept with the reason, and costs no other."""

from __future__ import annotations

from tests.fundamentals.tour import ended, new_interaction, put
from tests.integration.sandbox import Driver


def test_what_is_wrong_is_quarantined(driver: Driver) -> None:
    """The reason names the field and what to do; the good event beside it is stored."""
    good, bad = new_interaction(), f"no-uuid-{new_interaction()}"

    put(driver, ended(good), ended(bad))

    (row,) = driver.until(lambda: [r for r in driver.quarantined(reason="rejected") if bad in r["event"]])
    assert row["code"] == "malformed-conversation-id"
    assert "conversationId" in row["error"]
    assert driver.until(lambda: driver.settled(good))
