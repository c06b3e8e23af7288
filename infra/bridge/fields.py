"""The fields of an event that are sent to Prefect: the allow-list, as one table, and what each may hold.

`tests/infra/test_bridge_fields.py` holds it against the models by which the flow reads an event. The order is that of
the text which is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from grammar import (
    is_detail_type,
    is_event_id,
    is_id,
    is_replay_name,
    is_source,
    is_time,
    is_topic,
    is_word,
    withheld,
)

FieldKind = Literal[
    "interaction-id", "id", "event-id", "time", "source", "topic", "detail-type", "replay", "word"
]
_FITS: dict[FieldKind, Callable[[Any], bool]] = {
    "interaction-id": is_id,
    "id": is_id,
    "event-id": is_event_id,
    "time": is_time,
    "source": is_source,
    "topic": is_topic,
    "detail-type": is_detail_type,
    "replay": is_replay_name,
}


@dataclass(frozen=True)
class EventField:
    """A field that is sent. `read_by`: the flow, or only a person who examines a rejected event."""

    name: str
    kind: FieldKind
    read_by: Literal["flow", "person"] = "flow"

    def sent(self, value: Any) -> Any:
        """Return what is sent of a value: itself if it is of this field's kind, else its kind and length."""
        fits = partial(is_word, self.name) if self.kind == "word" else _FITS[self.kind]
        return value if fits(value) else withheld(value)


ENVELOPE = (
    EventField("id", "event-id"),
    EventField("source", "source"),
    EventField("detail-type", "detail-type"),
    EventField("time", "time", read_by="person"),
    EventField("replay-name", "replay"),
)
"""The fields that EventBridge puts around every event."""

DETAIL = (
    EventField("topicName", "topic", read_by="person"),
    EventField("conversationId", "interaction-id"),
    EventField("interactionId", "interaction-id"),
    EventField("eventTime", "time"),
    EventField("timestamp", "time"),
    EventField("type", "word"),
    EventField("participantId", "id"),
    EventField("sessionId", "id"),
    EventField("queueId", "id"),
    EventField("mediaType", "word"),
    EventField("direction", "word"),
    EventField("disconnectType", "word"),
)
"""The fields of a detail, and of the object inside it that has the same fields."""

NESTED = ("eventBody", "detail")
"""Where that object is: in `eventBody` (Genesys), in `detail` (a record of a Conversation Update)."""
