"""What is sent to S3 for a conversation."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from tasks.stores import ConversationArchive, StoreUnavailable
from tasks.stores.archive import client

ID = "7f3c2a10-1111-4222-8333-444455556666"


class Recorded:
    """Makes clients that send nothing and keep what they would have sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def client(self, service: str, config: Any) -> Any:
        """A client with dummy credentials, of an address that nobody answers at."""
        made: Any = boto3.client(
            service,  # type: ignore[call-overload]  # one service, by its name
            config=config,
            region_name="us-east-1",
            endpoint_url="http://127.0.0.1:9",
            aws_access_key_id="none",
            aws_secret_access_key="none",
        )
        made.meta.events.register("before-send.s3", lambda request, **_: self.sent.append(request))
        return made


def test_a_conversation_is_one_request() -> None:
    """Its body is sent at once: no round trip to ask whether it may be. It says what it is."""
    recorded = Recorded()
    with pytest.raises(StoreUnavailable, match="bucket conversations"):
        ConversationArchive(client(1, recorded), "conversations").put(ID, {"conversationId": ID})
    headers = recorded.sent[0].headers
    assert "Expect" not in headers
    assert headers["Content-Encoding"] == b"gzip"
    assert headers["Content-Type"] == b"application/json"
    assert recorded.sent[0].url.startswith(f"http://127.0.0.1:9/conversations/conversations/{ID}/")
