"""An invalid event is kept in quarantine with the reason, and delays no other."""

from __future__ import annotations

from tests.support.sandbox import SandboxDriver
from tests.support.tutorial import customer_end, new_interaction, publish


def test_what_is_wrong_is_quarantined(driver: SandboxDriver) -> None:
    """The error names the field; a valid event in the same call is stored."""
    good, bad = new_interaction(), f"no-uuid-{new_interaction()}"

    publish(driver, customer_end(good), customer_end(bad))

    (row,) = driver.until(lambda: [r for r in driver.quarantined(reason="rejected") if bad in r["event"]])
    assert row["code"] == "malformed-conversation-id"
    assert "conversationId" in row["error"]
    assert driver.until_settled(good)
