"""Events as texts: as a run's parameters and as messages of the buffer queue."""

from __future__ import annotations

import json
import uuid
from typing import Any

from deployments.sample_events import customer_end

SOURCE = "genesys.com/cloud/sandbox-org/sandbox"


def new_ids(count: int) -> list[str]:
    """Return new interaction ids; the simulator has a conversation for every UUID."""
    return [str(uuid.uuid4()) for _ in range(count)]


def event_text(interaction_id: str, **more: Any) -> str:
    """Return a `conversation.end` event as a flow run takes it; `more` are fields of its detail."""
    return json.dumps(
        {
            "id": str(uuid.uuid4()),
            "source": "com.genesyscloud.platform",
            "detail-type": "conversation.end",
            "detail": {"conversationId": interaction_id} | more,
        }
    )


def oversize_event(interaction_id: str, event_id: str | None = None) -> str:
    """Return what the bridge sends for an event that was too large: it is rejected, and names its interaction."""
    event = {"id": event_id or str(uuid.uuid4()), "detail-type": "conversation.end", "source": SOURCE}
    return json.dumps(event | {"interactionId": interaction_id, "oversize": True, "bytes": 250_000})


def envelope(interaction_id: str) -> str:
    """Return a `customer.end` event in EventBridge's envelope, as the body of a message in the buffer queue."""
    return text_of(customer_end(interaction_id, SOURCE))


def text_of(entry: dict[str, Any]) -> str:
    """Return an entry for the bus in EventBridge's envelope, as it comes out of a rule."""
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": "123456789012",
            "time": "2026-01-15T10:00:00Z",
            "region": "us-east-1",
            "resources": [],
            "detail": json.loads(entry["Detail"]),
        }
    )
