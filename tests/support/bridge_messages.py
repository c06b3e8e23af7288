"""Events and messages as the bridge receives them."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from batching import Message
from errors import BatchRefused


def interaction(number: int) -> str:
    """Return the id of the n-th interaction of these tests."""
    return str(uuid.UUID(int=number + 1, version=4))


def customer_end(number: int, **changes: Any) -> dict[str, Any]:
    """Return an event as Genesys Cloud sends it, with personal data; `changes` are fields of its body."""
    conversation = interaction(number)
    topic = "v2.detail.events.conversation.{id}.customer.end"
    body = {
        "eventTime": 1649237445013,
        "conversationId": conversation,
        "participantId": interaction(number + 500_000),
        "sessionId": interaction(number + 600_000),
        "disconnectType": "ENDPOINT",
        "mediaType": "VOICE",
        "direction": "INBOUND",
        "provider": "Edge",
        "ani": "tel:+13175550123",
        "dnis": "tel:+13175550199",
        "addressFrom": "john.doe@example.com",
        "subject": "About my divorce",
        "interactingDurationMs": 5021,
        **changes,
    }
    return {
        "version": "0",
        "id": interaction(number + 700_000),
        "detail-type": topic,
        "source": "aws.partner/genesys.com/cloud/0c0ffee0-0000-4000-8000-0000000000aa/sandbox",
        "account": "123456789012",
        "time": "2022-04-06T09:30:45Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {
            "topicName": topic.replace("{id}", conversation),
            "version": "2",
            "eventBody": body,
            "metadata": {"CorrelationId": interaction(number + 800_000)},
            "timestamp": "2022-04-06T09:30:45.013Z",
        },
    }


def messages(*numbers: int) -> list[Message]:
    """Return one message for each interaction number."""
    return [Message.of(f"m{i}-{n}", json.dumps(customer_end(n))) for i, n in enumerate(numbers)]


def records(*bodies: Any, prefix: str = "m") -> dict[str, Any]:
    """Return the event of Lambda's event source mapping: a text is a body, anything else is a body as JSON."""
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {
        "Records": [
            {"messageId": f"{prefix}{i}", "body": text, "eventSource": "aws:sqs"}
            for i, text in enumerate(texts)
        ]
    }


@dataclass
class Letters:
    """A dead-letter queue in memory, which fails unless it `works`."""

    works: bool = True
    sent: dict[str, BatchRefused] = field(default_factory=dict)

    def send(self, message: Message, refused: BatchRefused) -> bool:
        """Keep the reason of the message, if it works."""
        if self.works:
            self.sent[message.message_id] = refused
        return self.works
