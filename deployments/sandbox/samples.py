"""Events as Genesys Cloud sends them, for trying the sandbox."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any


def customer_end(interaction_id: str, source: str, **body: Any) -> dict[str, Any]:
    """A partner event `...customer.end`, in the shape that put_events wants. Holds no real data."""
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
        "DetailType": "v2.detail.events.conversation.{id}.customer.end",
        "Detail": json.dumps(detail),
        "Time": time.time(),
    }


def put_events(events_client: Any, bus: str, entries: list[dict[str, Any]]) -> None:
    """Put events on a bus, ten at a time as EventBridge allows. Raises RuntimeError if one is refused."""
    for batch in _tens(entries):
        answer = events_client.put_events(Entries=[{**entry, "EventBusName": bus} for entry in batch])
        if answer["FailedEntryCount"]:
            codes = {entry.get("ErrorCode") for entry in answer["Entries"]} - {None}
            raise RuntimeError(f"the bus refused {answer['FailedEntryCount']} events: {codes}")


def _tens(entries: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(entries), 10):
        yield entries[start : start + 10]
