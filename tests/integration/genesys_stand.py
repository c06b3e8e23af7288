"""What the Genesys client's tests share: a server that misbehaves as told, a clock and a budget of the test's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from tasks.genesys import (
    Authenticator,
    Clock,
    GenesysClient,
    Transport,
    resolve,
)
from tasks.genesys.budget import GRANT_LIFE
from tests.integration.genesys_fake import FakeGenesys, Reply, Seen, fake_genesys

DETAILS = "/api/v2/analytics/conversations/details"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class FakeClock(Clock):
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds slept."""
        return self.seconds

    def now(self) -> datetime:
        """Return a fixed start and the seconds slept."""
        return START + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        """Note it and go on."""
        self.sleeps.append(seconds)
        self.seconds += seconds


class OpenBudget:
    """A budget without a limit that counts; a turn may cost time."""

    def __init__(self, clock: FakeClock | None = None, waits: list[float] | None = None) -> None:
        self.turns = 0
        self.observed: list[dict[str, str]] = []
        self._clock, self._waits = clock, waits or []

    def acquire(self) -> float:
        """Give a turn."""
        self.turns += 1
        if self._clock and self._waits:
            self._clock.seconds += self._waits.pop(0)
        return GRANT_LIFE

    def observe(self, headers: Mapping[str, str]) -> None:
        """Note the headers."""
        self.observed.append(dict(headers))


@pytest.fixture
def genesys() -> Iterator[FakeGenesys]:
    """A server of its own for each test."""
    with fake_genesys() as fake:
        yield fake


@pytest.fixture
def clock() -> FakeClock:
    """The client's clock."""
    return FakeClock()


@pytest.fixture
def budget() -> OpenBudget:
    """The client's budget."""
    return OpenBudget()


@pytest.fixture
def client(genesys: FakeGenesys, clock: FakeClock, budget: OpenBudget) -> GenesysClient:
    """A client of the server, whose time is the test's."""
    return connect(genesys, budget, clock)


def connect(
    genesys: FakeGenesys, budget: OpenBudget, clock: Clock | None = None, **options: Any
) -> GenesysClient:
    """Return a client of a server; options are the transport's."""
    hosts = resolve("us-east-1", login_url=genesys.url, api_url=genesys.url)
    transport = Transport(clock=clock, **options)
    authenticator = Authenticator(transport, hosts, "client-7", SecretStr("s3cret-value"))
    return GenesysClient(transport, authenticator, hosts, budget)


def conversation(name: str, **more: Any) -> dict[str, Any]:
    """Return a small conversation."""
    return {"conversationId": name, "conversationStart": "2026-03-01T10:00:00.000Z", **more}


def known(seen: Seen) -> Reply:
    """Know every conversation that is asked for."""
    return Reply(body={"conversations": [conversation(name) for name in seen.query["id"][0].split(",")]})


def ids(count: int) -> list[str]:
    """Return new conversation ids."""
    return [str(uuid4()) for _ in range(count)]


FAULTS = {
    "reset": Reply(reset=True),
    "half a body": Reply(body={"conversations": ["x" * 100]}, cut=40),
    "half a chunked body": Reply(body={"conversations": ["x" * 100]}, cut=40, chunked=True),
    "nothing but a head": Reply(body={"conversations": []}, cut=0),
    "not JSON": Reply(raw=b"<html></html>"),
    "not an object": Reply(raw=b"[1]"),
    "half JSON": Reply(raw=b'{"conversations": ['),
    "wrong type": Reply(raw=b"{}", headers={"Content-Type": "text/html"}),
    "no type": Reply(raw=b"{}", headers={"Content-Type": ""}),
    "broken gzip": Reply(raw=b"not gzip at all", headers={"Content-Encoding": "gzip"}),
    **{str(status): Reply(status, {"code": "x.y"}) for status in (408, 429, 500, 502, 503, 504)},
}
