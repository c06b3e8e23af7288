"""An invalid event is kept in quarantine with the reason, and delays no other."""

from __future__ import annotations

from tests.support.sandbox import SandboxDriver
from tests.support.tutorial import customer_end, new_interaction, publish


def test_what_is_wrong_is_quarantined(driver: SandboxDriver) -> None:
    """The error names the field; a valid event in the same call is stored."""
    good, queue = new_interaction(), new_interaction()
    wrong = {"eventBody": {"conversationId": "Ada Example", "queueId": queue}}

    publish(driver, customer_end(good), wrong)

    (row,) = driver.until(lambda: [r for r in driver.quarantined(reason="rejected") if queue in r["event"]])
    assert row["code"] == "malformed-conversation-id"
    assert "conversationId is text of 11 characters that is not a UUID" in row["error"]
    assert "Ada" not in str(row)  # what was there is not kept: it may be anything
    assert driver.until_settled(good)
