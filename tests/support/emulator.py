"""An emulator of AWS, empty for each module of tests, without the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from deployments.sandbox import servers
from deployments.sandbox.processes import Child


class Emulator:
    """Makes clients of the emulator, as a boto3 session does."""

    def __init__(self, url: str) -> None:
        self.url = url

    def client(self, service: str, config: Any = None) -> Any:
        """Return a client of a service."""
        make: Any = boto3.client  # the stubs know each service by name only
        return make(
            service,
            config=config,
            endpoint_url=self.url,
            aws_access_key_id=servers.AWS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=servers.AWS["AWS_SECRET_ACCESS_KEY"],
            region_name=servers.AWS["AWS_DEFAULT_REGION"],
        )


@contextmanager
def running_emulator(folder: Path) -> Iterator[Emulator]:
    """Start an emulator, and stop it at the end."""
    started: list[Child] = []

    def on_start(child: Child) -> Child:
        started.append(child)
        return child

    try:
        yield Emulator(servers.emulator(folder, on_start))
    finally:
        for child in started:
            child.stop()


@pytest.fixture(scope="session")
def aws_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Start an emulator that runs as long as the session."""
    with running_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(scope="module")
def aws(aws_process: Emulator) -> Emulator:
    """Return an emulator that holds nothing."""
    requests.post(f"{aws_process.url}/_ministack/reset", timeout=60).raise_for_status()
    return aws_process


def create_table(client: Any, name: str, key: str) -> Any:
    """Create a table with this key; return the client."""
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return client
