"""The requests to Glue."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from tasks.lake.catalog import glue_client


class _Session:
    """Makes clients with dummy credentials, of an address without a server."""

    def client(self, service: str, config: Any) -> Any:
        """Return a client of a service."""
        make: Any = boto3.client
        return make(
            service,
            config=config,
            region_name="us-east-1",
            endpoint_url="http://127.0.0.1:9",
            aws_access_key_id="none",
            aws_secret_access_key="none",
        )


def test_a_commit_is_sent_once() -> None:
    """No request is repeated by itself: a commit that stands would be refused, and its files deleted."""
    glue, sent = glue_client(_Session()), list[str]()
    glue.meta.events.register("before-send", lambda request, **_: sent.append(request.url))
    with pytest.raises(EndpointConnectionError):
        glue.update_table(DatabaseName="a", TableInput={"Name": "b"})
    assert len(sent) == 1
