"""The bridge against a fake Prefect API: a delivery with all its parts, and the fixtures of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from api_key import Credentials
from batching import Message
from connection import Connection
from delivery import Delivery, Report
from prefect_api import PrefectApi

from tests.support.bridge_messages import Letters
from tests.support.fake_prefect import FakePrefect

OUTAGES = [429, 401, 403, 404, 408, 502, 503, 504]


@dataclass
class Bridge:
    """The bridge in front of the fake; `remaining` returns the seconds that are left of an invocation."""

    prefect: FakePrefect
    connection: Connection
    letters: Letters = field(default_factory=Letters)
    secret: Callable[[], str] | None = None
    remaining: Callable[[], float] = lambda: 100.0

    def deliver(self, given: list[Message], *, timeout: float = 25, **bounds: int) -> Report:
        """Deliver as the first invocation of a new process does."""
        return self.process(timeout=timeout, **bounds).deliver(given, self.remaining)

    def process(self, *, timeout: float = 25, **bounds: int) -> Delivery:
        """Return the delivery of a process, which can be invoked several times."""
        name = "process-interactions/live"
        api = PrefectApi(self.connection, Credentials(self.secret), deployment_name=name, timeout=timeout)
        limits = {"max_events": 2000, "max_bytes": 500_000, "max_waiting_runs": 50, **bounds}
        return Delivery(api, self.letters, **limits)


@pytest.fixture
def prefect() -> Iterator[FakePrefect]:
    """Return a running fake without faults."""
    with FakePrefect().serving() as fake:
        yield fake


@pytest.fixture
def bridge(prefect: FakePrefect) -> Iterator[Bridge]:
    """Return the bridge in front of the fake."""
    connection = Connection(urlsplit(prefect.url))
    yield Bridge(prefect, connection)
    connection.close()


def names(given: list[Message]) -> set[str]:
    """Return the ids of messages."""
    return {each.message_id for each in given}
