"""The requests to S3 for staged conversations."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from tasks.stores import StagedConversation, StagingBucket, StoreUnavailable
from tasks.stores.s3 import client

ID = "7f3c2a10-1111-4222-8333-444455556666"


class Recorder:
    """Makes clients that send nothing and record the requests."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def client(self, service: str, config: Any) -> Any:
        """Return a client with dummy credentials, of an address without a server."""
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


def test_a_chunk_is_one_request() -> None:
    """The body is sent at once, without Expect: 100-continue, and with its content type and encoding."""
    recorded = Recorder()
    entries = [StagedConversation(ID, "1", {"conversationId": ID})] * 100
    with pytest.raises(StoreUnavailable, match="bucket conversations"):
        StagingBucket(client(1, recorded), "conversations").put(entries)
    assert len({request.url for request in recorded.sent}) == 1
    headers = recorded.sent[0].headers
    assert "Expect" not in headers
    assert headers["Content-Encoding"] == b"gzip"
    assert headers["Content-Type"] == b"application/x-ndjson"
    assert recorded.sent[0].url.startswith("http://127.0.0.1:9/conversations/staging/")
