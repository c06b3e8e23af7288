"""The fields of an event that are sent to Prefect: the allow-list, as one table.

`tests/infra/test_bridge_fields.py` holds it against the models by which the flow reads an event. The order is that of
the text which is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ID_CHARACTERS = "A-Za-z0-9._:#-"
ID_PATTERN = rf"[A-Za-z0-9][{ID_CHARACTERS}]{{0,127}}"
"""What the flow accepts as an id. To an event without a usable id the bridge adds the sha256 of its text."""

FieldKind = Literal["interaction-id", "id", "event-id", "time", "label", "enum"]


@dataclass(frozen=True)
class EventField:
    """A field that is sent. `read_by`: the flow, or only a person who examines a rejected event."""

    name: str
    kind: FieldKind
    read_by: Literal["flow", "person"] = "flow"

    @property
    def is_id(self) -> bool:
        """Whether anything but an id in this field has to be masked."""
        return self.kind in {"interaction-id", "id"}


ENVELOPE = (
    EventField("id", "event-id"),
    EventField("source", "label"),
    EventField("detail-type", "label"),
    EventField("time", "time", read_by="person"),
    EventField("replay-name", "label"),
)
"""The fields that EventBridge puts around every event."""

DETAIL = (
    EventField("topicName", "label", read_by="person"),
    EventField("conversationId", "interaction-id"),
    EventField("interactionId", "interaction-id"),
    EventField("eventTime", "time"),
    EventField("timestamp", "time"),
    EventField("type", "label"),
    EventField("participantId", "id"),
    EventField("sessionId", "id"),
    EventField("queueId", "id"),
    EventField("mediaType", "enum"),
    EventField("direction", "enum"),
    EventField("disconnectType", "enum"),
)
"""The fields of a detail, and of the object inside it that has the same fields."""

NESTED = ("eventBody", "detail")
"""Where that object is: in `eventBody` (Genesys), in `detail` (a record of a Conversation Update)."""
