"""Events as text, for a later run or for quarantine; `parse` reads the same event from it."""

from __future__ import annotations

import json
from typing import Any

from tasks.events.event import InteractionEvent
from tasks.values import iso

_GENESYS = "v2.detail.events.conversation."


def serialize(event: InteractionEvent) -> str:
    """Return the event as ASCII JSON in the shape of its detail-type; it has no personal data."""
    fields = {
        "eventTime": iso(event.event_time) if event.event_time else None,
        "type": None if event.event_type == event.detail_type else event.event_type,
        "participantId": event.participant_id,
        "sessionId": event.session_id,
        "queueId": event.queue_id,
        "mediaType": event.media_type,
        "direction": event.direction,
        "disconnectType": event.disconnect_type,
    }
    envelope = {
        "id": event.event_id,
        "source": event.source,
        "detail-type": event.detail_type,
        "replay-name": event.replay_name,
        "detail": _detail(event, fields),
    }
    return json.dumps(_present(envelope), separators=(",", ":"))


def _detail(event: InteractionEvent, fields: dict[str, Any]) -> dict[str, Any]:
    if event.detail_type.startswith(_GENESYS):
        body = {"conversationId": event.interaction_id} | fields | {"type": None}
        return {"eventBody": _present(body)}
    name = "interactionId" if event.detail_type == "Conversation Update" else "conversationId"
    return _present({name: event.interaction_id} | fields)


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
