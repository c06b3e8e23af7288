"""Sample events in the format of Genesys Cloud, and put_events for any number of them."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from tasks.values import chunked

_TEMPLATE = "v2.detail.events.conversation.{id}.customer.end"


def customer_end(interaction_id: str, source: str, *, concrete: bool = False, **body: Any) -> dict[str, Any]:
    """A partner event `...customer.end` as an entry of put_events. Its addresses and ids are fictional.

    The detail-type is the topic's template, or with `concrete` the topic itself, with the conversation's id in it.
    """
    now = datetime.now(UTC)
    topic = f"v2.detail.events.conversation.{interaction_id}.customer.end"
    detail = {
        "topicName": topic,
        "version": "2",
        "eventBody": {
            "eventTime": int(now.timestamp() * 1000),
            "conversationId": interaction_id,
            "participantId": str(uuid.uuid4()),
            "sessionId": str(uuid.uuid4()),
            "mediaType": "VOICE",
            "provider": "Edge",
            "direction": "INBOUND",
            "ani": "tel:+15550100123",
            "dnis": "tel:+15550100456",
            "disconnectType": "ENDPOINT",
            **body,
        },
        "metadata": {"CorrelationId": str(uuid.uuid4())},
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return {
        "Source": source,
        "DetailType": topic if concrete else _TEMPLATE,
        "Detail": json.dumps(detail),
        "Time": time.time(),
    }


def put_events(events_client: Any, bus: str, entries: list[dict[str, Any]]) -> None:
    """Put events on a bus, ten per request (EventBridge's maximum). Raises RuntimeError if the bus refuses one."""
    for batch in chunked(entries, 10):
        answer = events_client.put_events(Entries=[{**entry, "EventBusName": bus} for entry in batch])
        if answer["FailedEntryCount"]:
            codes = {entry.get("ErrorCode") for entry in answer["Entries"]} - {None}
            raise RuntimeError(f"the bus refused {answer['FailedEntryCount']} events: {codes}")
