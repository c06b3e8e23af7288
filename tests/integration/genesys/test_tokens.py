"""Access tokens of the Genesys client, over real HTTP."""

from __future__ import annotations

import base64
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tasks.genesys import (
    AuthenticationFailed,
    GenesysClient,
    Throttled,
    Unavailable,
)
from tests.support.fake_genesys import FakeGenesys, ReceivedRequest, Reply
from tests.support.genesys import (
    FAULTS,
    FakeClock,
    UnlimitedLimiter,
    all_known,
    connect,
    ids,
)


def test_the_token_request_is_a_client_credentials_grant(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Client credentials are sent as HTTP Basic with a form; API requests have the bearer token."""
    client.get_conversations(ids(1))
    (login,) = genesys.logins
    assert base64.b64decode(login.headers["authorization"].removeprefix("Basic ")) == b"client-7:s3cret-value"
    assert (login.method, login.body) == ("POST", b"grant_type=client_credentials")
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"
    assert genesys.api[0].headers["authorization"] == "Bearer tok-1"


def test_a_token_is_fetched_once_for_all_threads(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Twenty threads at once, on two limiters, share one login."""
    genesys.tokens.append(Reply(body={"access_token": "slow", "expires_in": 600}, delay=0.2))
    clients = [client, client.with_limiter(UnlimitedLimiter())] * 10
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda each: each.get_conversations(ids(1)), clients))
    assert (len(genesys.logins), len(genesys.api)) == (1, 20)


@pytest.mark.parametrize(
    ("life", "good_for"), [(86_400, 86_345), (300, 245), (5, 4), (None, 245), ("x", 245), (-1, 245)]
)
def test_a_token_is_renewed_before_its_end(
    genesys: FakeGenesys, client: GenesysClient, clock: FakeClock, life: Any, good_for: float
) -> None:
    """55 s before it expires, or a fifth of its lifetime if less; without expires_in 300 s are assumed."""
    genesys.tokens.append(Reply(body={"access_token": "first", "expires_in": life}))
    client.get_conversations(ids(1))
    clock.seconds = good_for - 0.1
    client.get_conversations(ids(1))
    assert len(genesys.logins) == 1
    clock.seconds = good_for + 0.1
    client.get_conversations(ids(1))
    assert len(genesys.logins) == 2


def test_a_refused_token_is_replaced_once(genesys: FakeGenesys, client: GenesysClient) -> None:
    """A 401 invalidates the token, and the request is sent again with a new one."""
    genesys.default = all_known
    genesys.script.append(Reply(401, {"code": "bad.credentials"}))
    assert len(client.get_conversations(ids(1)).conversations) == 1
    assert [request.headers["authorization"] for request in genesys.api] == ["Bearer tok-1", "Bearer tok-2"]


def test_a_refused_token_leaves_one_more_attempt(genesys: FakeGenesys, client: GenesysClient) -> None:
    """After a 500 and a 401 the new token has one attempt, and no other follows."""
    genesys.default = all_known
    genesys.script.extend([Reply(500), Reply(401)])
    assert len(client.get_conversations(ids(1)).conversations) == 1
    genesys.script.extend([Reply(500), Reply(401), Reply(500)])
    with pytest.raises(Unavailable):
        client.get_conversations(ids(1))
    assert len(genesys.api) == 6


def test_a_refused_fresh_token_is_an_error_of_configuration(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """Two 401s with two tokens raise AuthenticationFailed."""
    genesys.script.extend([Reply(401, {"code": "authentication.required", "contextId": "ctx-9"})] * 9)
    with pytest.raises(AuthenticationFailed) as caught:
        client.get_conversations(ids(1))
    assert (len(genesys.api), len(genesys.logins)) == (2, 2)
    assert caught.value.correlation_id == "ctx-9"


def test_many_refusals_of_one_token_cost_one_login(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Threads whose old token was refused do not invalidate the new one of another thread."""
    barrier = threading.Barrier(8)

    def revoked(request: ReceivedRequest) -> Reply:
        if request.headers["authorization"] == "Bearer tok-1":
            barrier.wait(180)
            return Reply(401)
        return all_known(request)

    genesys.default = revoked
    with ThreadPoolExecutor(8) as threads:
        fetches = list(threads.map(lambda _: client.get_conversations(ids(1)), range(8)))
    assert all(len(fetch.conversations) == 1 for fetch in fetches)
    assert len(genesys.logins) == 2


@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_client_is_named_and_its_secret_is_not(
    genesys: FakeGenesys, client: GenesysClient, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The error names host, client and Genesys's code; neither error nor log has the secret."""
    caplog.set_level(logging.DEBUG)
    body = {"error": "invalid_client", "description": "client not found: s3cret-value"}
    genesys.tokens.append(Reply(status, body))
    with pytest.raises(AuthenticationFailed) as caught:
        client.get_conversations(ids(1))
    text = str(caught.value)
    assert all(part in text for part in (genesys.url, "client-7", "invalid_client", "GENESYS_REGION"))
    chain = repr(caught.value) + repr(vars(caught.value)) + caplog.text
    assert "s3cret" not in chain
    assert base64.b64encode(b"client-7:s3cret-value").decode() not in chain
    assert (len(genesys.logins), len(genesys.api)) == (1, 0)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_failing_login_host_is_a_transient_error(
    genesys: FakeGenesys, client: GenesysClient, fault: Reply
) -> None:
    """Token requests have two attempts, too, and their faults are never taken for a wrong secret."""
    genesys.tokens.append(fault)
    client.get_conversations(ids(1))
    genesys.requests.clear()
    genesys.tokens.extend([fault] * 2)
    other = connect(genesys, UnlimitedLimiter(), FakeClock())
    with pytest.raises((Unavailable, Throttled)):
        other.get_conversations(ids(1))
    assert (len(genesys.logins), len(genesys.api)) == (2, 0)


@pytest.mark.parametrize("token", [None, "", 7, "a\r\nX: y", "two words"])
def test_a_login_without_a_usable_token_is_a_transient_error(
    genesys: FakeGenesys, client: GenesysClient, token: Any
) -> None:
    """A token that is absent or not valid in a header is not used."""
    genesys.tokens.append(Reply(body={"access_token": token, "expires_in": 600}))
    with pytest.raises(Unavailable, match="without an access token"):
        client.get_conversations(ids(1))


def test_threads_that_wait_for_a_failing_login_share_its_error(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """Ten threads with a wrong secret make one or two logins, not ten."""
    genesys.tokens.extend([Reply(401, {"error": "invalid_client"}, delay=0.3)] * 10)
    start = threading.Barrier(10)

    def work(_: int) -> str:
        start.wait(180)
        try:
            client.get_conversations(ids(1))
        except AuthenticationFailed as error:
            return error.genesys_code or ""
        return ""

    with ThreadPoolExecutor(10) as threads:
        assert list(threads.map(work, range(10))) == ["invalid_client"] * 10
    assert len(genesys.logins) <= 2


def test_an_expired_permit_is_replaced(genesys: FakeGenesys, clock: FakeClock) -> None:
    """When the login's own permit took 10 s, the request takes another permit before it is sent."""
    limiter = UnlimitedLimiter(clock, waits=[0, 10, 0])
    connect(genesys, limiter, clock).get_conversations(ids(1))
    assert (limiter.permits, len(genesys.requests)) == (3, 2)


def test_every_permit_is_told_its_answer(genesys: FakeGenesys, limiter: UnlimitedLimiter) -> None:
    """Of each attempt, for the token's too, answered or not; one that was never used has none."""
    genesys.tokens.append(Reply(503))
    genesys.script.extend([Reply(reset=True), Reply(401)])
    clock = FakeClock()
    connect(genesys, limiter, clock).get_conversations(ids(1))
    assert limiter.answered_permits == [2, 3, 1, 4, 6, 5]
    slow = UnlimitedLimiter(clock, waits=[0, 10, 0])
    connect(genesys, slow, clock).get_conversations(ids(1))
    assert slow.answered_permits == [2, 3]


def test_a_token_request_counts_in_the_first_limiter(genesys: FakeGenesys, clock: FakeClock) -> None:
    """All requests wait for a token: a background limiter must not slow it down."""
    whole, background = UnlimitedLimiter(), UnlimitedLimiter()
    genesys.default = all_known
    connect(genesys, whole, clock).with_limiter(background).get_conversations(ids(1))
    assert (whole.permits, background.permits, len(genesys.logins)) == (1, 1, 1)


def test_a_token_with_an_infinite_lifetime_is_used(genesys: FakeGenesys, client: GenesysClient) -> None:
    """An expires_in of four hundred digits is no error."""
    genesys.tokens.append(Reply(raw=b'{"access_token": "tok-9", "expires_in": ' + b"9" * 400 + b"}"))
    client.get_conversations(ids(1))
    assert genesys.api[0].headers["authorization"] == "Bearer tok-9"
