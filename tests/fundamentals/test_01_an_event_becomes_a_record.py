"""An event reports that a conversation has ended; its record is then in the table."""

from __future__ import annotations

from tests.support.sandbox import SandboxDriver
from tests.support.tutorial import customer_end, new_interaction, publish


def test_an_event_becomes_a_record(driver: SandboxDriver) -> None:
    """Of the event only the id is used; everything in the record is fetched from Genesys Cloud."""
    interaction_id = new_interaction()

    publish(driver, customer_end(interaction_id))

    record = driver.until_settled(interaction_id)
    assert record["interactionId"] == interaction_id
    assert record["startedAt"] < record["endedAt"]
    assert record["durationMs"] > 0
    assert record["mediaType"] in {"voice", "chat", "message", "email", "callback"}
    assert record["eventType"] == "customer.end"


def test_the_simpler_event_shapes_become_records_too(driver: SandboxDriver) -> None:
    """`conversation.end` and `Conversation Update` are accepted beside Genesys Cloud's own events."""
    end, update = new_interaction(), new_interaction()

    publish(driver, {"conversationId": end}, detail_type="conversation.end")
    publish(driver, {"detail": {"interactionId": update}}, detail_type="Conversation Update")

    assert driver.until_settled(end)["interactionId"] == end
    assert driver.until_settled(update)["interactionId"] == update
