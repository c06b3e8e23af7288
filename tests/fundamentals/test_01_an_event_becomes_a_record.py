"""An event says that a conversation has ended; the table then holds what Genesys knows of it."""

from __future__ import annotations

from tests.fundamentals.tour import ended, new_interaction, put
from tests.integration.sandbox import Driver


def test_an_event_becomes_a_record(driver: Driver) -> None:
    """From the bus to the row: nothing but the id travels, all else is fetched."""
    interaction_id = new_interaction()

    put(driver, ended(interaction_id))

    record = driver.until(lambda: driver.settled(interaction_id))
    assert record["interactionId"] == interaction_id
    assert record["startedAt"] < record["endedAt"]
    assert record["durationMs"] > 0
    assert record["mediaType"] in {"voice", "chat", "message", "email", "callback"}
    assert record["eventType"] == "customer.end"


def test_so_do_the_events_of_the_tutorials(driver: Driver) -> None:
    """`conversation.end` and `Conversation Update` are understood beside Genesys's own."""
    end, update = new_interaction(), new_interaction()

    put(driver, {"conversationId": end}, detail_type="conversation.end")
    put(driver, {"detail": {"interactionId": update}}, detail_type="Conversation Update")

    assert driver.until(lambda: driver.settled(end))["interactionId"] == end
    assert driver.until(lambda: driver.settled(update))["interactionId"] == update
