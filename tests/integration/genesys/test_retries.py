"""Attempts and waits of the Genesys client, over real HTTP, and what log and errors say of them."""

from __future__ import annotations

import logging
import socket

import pytest
from pydantic import SecretStr

from tasks.genesys import (
    Authenticator,
    BadRequest,
    GenesysClient,
    GenesysError,
    NotPermitted,
    Throttled,
    Transport,
    Unavailable,
)
from tests.support.fake_genesys import FakeGenesys, Reply
from tests.support.genesys import (
    DETAILS,
    FAULTS,
    FakeClock,
    UnlimitedLimiter,
    all_known,
    connect,
    conversation,
    ids,
)
from tests.support.stack import eventually


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_passing_fault_is_tried_once_more(
    genesys: FakeGenesys, client: GenesysClient, clock: FakeClock, limiter: UnlimitedLimiter, fault: Reply
) -> None:
    """No response, an unusable one, and 408, 429 and 5xx have a second attempt, each attempt with a permit."""
    genesys.default = all_known
    genesys.script.append(fault)
    fetch = client.get_conversations(ids(2))
    assert (len(fetch.conversations), fetch.requests, len(genesys.api)) == (2, 2, 2)
    assert clock.sleeps == [1.0]
    assert limiter.permits == len(genesys.requests) == 3


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_lasting_fault_is_tried_twice(
    genesys: FakeGenesys, client: GenesysClient, clock: FakeClock, fault: Reply
) -> None:
    """After the second attempt the caller gets a transient error: Throttled for a 429, else Unavailable."""
    genesys.script.extend([fault] * 9)
    with pytest.raises((Unavailable, Throttled)) as caught:
        client.get_conversations(ids(2))
    assert isinstance(caught.value, Throttled) == (fault.status == 429)
    assert (len(genesys.api), len(clock.sleeps)) == (2, 1)


@pytest.mark.parametrize("status", [403, 405, 409, 415, 422, 302, 304])
def test_any_other_status_is_final(genesys: FakeGenesys, client: GenesysClient, status: int) -> None:
    """There is no second attempt."""
    genesys.script.append(Reply(status, raw=b"", headers={"Location": "https://evil.example/"}))
    with pytest.raises(GenesysError):
        client.get_conversations(ids(1))
    assert len(genesys.api) == 1


@pytest.mark.parametrize("location", ["http://[", "http://evil.example/\xff", "/api/v2/elsewhere"])
def test_a_redirect_is_an_error(genesys: FakeGenesys, client: GenesysClient, location: str) -> None:
    """Its Location is neither followed nor parsed."""
    genesys.default = lambda _: Reply(302, raw=b"", headers={"Location": location})
    with pytest.raises(GenesysError):
        client.get_conversations(ids(1))
    assert {request.path for request in genesys.api} == {DETAILS}


def test_the_error_of_a_refused_batch_names_the_reason(genesys: FakeGenesys, client: GenesysClient) -> None:
    """It has the request's label, Genesys's code and the correlation id."""
    genesys.script.append(Reply(409, {"code": "request.conflict", "contextId": "corr-9"}))
    with pytest.raises(BadRequest, match=r"details of 3 .*409 request.conflict.*corr-9"):
        client.get_conversations(ids(3))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(delay=300),
        Reply(raw=b" " * 6_000 + b"{}", drip=0.05),
        Reply(302, raw=b"x" * 6_000, headers={"Location": "/elsewhere"}, drip=0.05),
    ],
    ids=["silent", "dripping", "a dripping redirect"],
)
def test_a_slow_response_times_out(genesys: FakeGenesys, limiter: UnlimitedLimiter, reply: Reply) -> None:
    """Neither silence nor a body byte by byte, minutes of it, blocks a thread for longer than the time-outs.

    The token is fetched without them: that takes as long as it takes. The server may see an attempt after its end.
    """
    hosts = connect(genesys, limiter).hosts
    authenticator = Authenticator(Transport(), hosts, "client-7", SecretStr("s3cret-value"))
    authenticator.token(limiter)
    genesys.script.extend([reply] * 2)
    hasty = Transport(connect_timeout=1.0, read_timeout=0.2, retry_delay=0.0)
    with pytest.raises(Unavailable, match="Time"):
        GenesysClient(hasty, authenticator, hosts, limiter).get_conversations(ids(1))
    assert limiter.permits == 3
    eventually(lambda: len(genesys.api) == 2)


def test_a_host_that_is_down_is_unavailable(limiter: UnlimitedLimiter, clock: FakeClock) -> None:
    """A refused connection is a transient error with the type of failure and the host."""
    with socket.socket() as silent:  # bound, so that nobody else listens there
        silent.bind(("127.0.0.1", 0))
        fake = FakeGenesys(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Unavailable, match="ConnectionRefusedError") as caught:
            connect(fake, limiter, clock).get_conversations(ids(1))
    assert fake.url == f"http://{caught.value.region}"
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("headers", "slept"),
    [({"Retry-After": "7"}, 7), ({"inin-ratelimit-reset": "9"}, 9), ({"Retry-After": "30"}, 30)],
)
def test_the_wait_before_the_second_attempt_is_the_one_that_genesys_asks_for(
    genesys: FakeGenesys, client: GenesysClient, clock: FakeClock, headers: dict[str, str], slept: float
) -> None:
    """Retry-After, then the reset of the rate limit, up to the maximum."""
    genesys.script.append(Reply(429, {"code": "too.many.requests.retry.after"}, headers))
    client.get_conversations(ids(1))
    assert clock.sleeps == [slept]


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_wait_is_an_error_at_once(
    genesys: FakeGenesys, client: GenesysClient, clock: FakeClock, status: int
) -> None:
    """A Retry-After of an hour is not slept on: the error has it."""
    genesys.script.append(Reply(status, {}, {"Retry-After": "3600"}))
    with pytest.raises((Throttled, Unavailable)) as caught:
        client.get_conversations(ids(1))
    assert (caught.value.retry_after, clock.sleeps, len(genesys.api)) == (3600, [], 1)


def test_the_limiter_observes_the_headers_of_every_response(
    genesys: FakeGenesys, client: GenesysClient, limiter: UnlimitedLimiter
) -> None:
    """Headers of a 429 are observed as well as those of a 200."""
    genesys.script.append(Reply(429, {}, {"inin-ratelimit-allowed": "180", "Retry-After": "1"}))
    client.get_conversations(ids(1))
    assert [headers.get("inin-ratelimit-allowed") for headers in limiter.observed] == ["180", None]


def test_connections_are_reused_and_cookies_are_not(genesys: FakeGenesys, client: GenesysClient) -> None:
    """The next request uses the same connection, and sends no cookie of the last response."""
    genesys.script.append(Reply(headers={"Set-Cookie": "a=b"}))
    client.get_conversations(ids(1))
    client.get_conversations(ids(1))
    assert "cookie" not in genesys.api[1].headers
    assert genesys.api[0].port == genesys.api[1].port


def test_the_log_has_correlation_ids_and_no_secrets(
    genesys: FakeGenesys, client: GenesysClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Each attempt is a line with status, attempt and correlation id; no token, secret or name of a person."""
    caplog.set_level(logging.INFO, logger="tasks.genesys")
    (name,) = ids(1)
    reply = Reply(body={"conversations": [conversation(name, participants=[{"participantName": "Jane"}])]})
    genesys.script.extend([Reply(500, {}, {"ININ-Correlation-Id": "corr-1"}), reply])
    client.get_conversations([name])
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("tasks.genesys")]
    assert any("500, try 1" in line and "corr-1" in line for line in lines)
    assert any("200, try 2" in line for line in lines)
    assert not any(word in line for line in lines for word in ("tok-1", "s3cret", "Jane"))


def test_errors_have_what_support_asks_for(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Status, correlation id, region and Genesys's code are attributes."""
    genesys.script.append(Reply(403, {"code": "missing.permissions", "contextId": "ctx-3"}))
    with pytest.raises(NotPermitted, match=r"missing\.permissions") as caught:
        client.get_conversations(ids(1))
    error = caught.value
    assert (error.status, error.correlation_id, error.genesys_code) == (403, "ctx-3", "missing.permissions")
    assert error.region == client.hosts.region
    assert error.__cause__ is None
    assert error.__context__ is None  # the library's exceptions hold the request with its credentials
