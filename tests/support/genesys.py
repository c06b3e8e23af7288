"""Fixtures of the Genesys client's tests: a scripted server, a clock moved by hand, a limiter without a limit."""

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
from tasks.genesys.rate_limit.limiter import PERMIT_TTL
from tasks.genesys.rate_limit.window import Permit
from tests.support.fake_genesys import FakeGenesys, ReceivedRequest, Reply, fake_genesys

DETAILS = "/api/v2/analytics/conversations/details"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class FakeClock(Clock):
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds slept."""
        return self.seconds

    def now(self) -> datetime:
        """Return START plus the seconds slept."""
        return START + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        """Record the sleep and move the clock."""
        self.sleeps.append(seconds)
        self.seconds += seconds


class UnlimitedLimiter:
    """Grants every permit and counts them; each one takes the next of `waits`, in seconds."""

    def __init__(self, clock: FakeClock | None = None, waits: list[float] | None = None) -> None:
        self.permits = 0
        self.observed: list[dict[str, str]] = []
        self.answered_permits: list[int] = []
        self._clock, self._waits = clock, waits or []

    def acquire(self) -> Permit:
        """Grant a permit, which leaves the window at its number."""
        self.permits += 1
        if self._clock and self._waits:
            self._clock.seconds += self._waits.pop(0)
        return Permit(self.permits, PERMIT_TTL)

    def answered(self, permit: Permit) -> None:
        """Record the permit's number."""
        self.answered_permits.append(int(permit.leaves))

    def observe(self, headers: Mapping[str, str]) -> None:
        """Record the headers."""
        self.observed.append(dict(headers))


@pytest.fixture
def genesys() -> Iterator[FakeGenesys]:
    """A server for one test."""
    with fake_genesys() as fake:
        yield fake


@pytest.fixture
def clock() -> FakeClock:
    """The clock of `client`."""
    return FakeClock()


@pytest.fixture
def limiter() -> UnlimitedLimiter:
    """The limiter of `client`."""
    return UnlimitedLimiter()


@pytest.fixture
def client(genesys: FakeGenesys, clock: FakeClock, limiter: UnlimitedLimiter) -> GenesysClient:
    """A client of the server."""
    return connect(genesys, limiter, clock)


def connect(
    genesys: FakeGenesys, limiter: UnlimitedLimiter, clock: Clock | None = None, **options: Any
) -> GenesysClient:
    """Return a client of a server. Options are those of Transport."""
    hosts = resolve("us-east-1", login_url=genesys.url, api_url=genesys.url)
    transport = Transport(clock=clock, **options)
    authenticator = Authenticator(transport, hosts, "client-7", SecretStr("s3cret-value"))
    return GenesysClient(transport, authenticator, hosts, limiter)


def conversation(name: str, **more: Any) -> dict[str, Any]:
    """Return a small conversation."""
    return {"conversationId": name, "conversationStart": "2026-03-01T10:00:00.000Z", **more}


def all_known(request: ReceivedRequest) -> Reply:
    """Reply with every conversation that was asked for."""
    return Reply(body={"conversations": [conversation(name) for name in request.query["id"][0].split(",")]})


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
