"""The Genesys client over real HTTP: tokens."""

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
from tests.integration.genesys_fake import FakeGenesys, Reply, Seen
from tests.integration.genesys_stand import (
    FAULTS,
    FakeClock,
    OpenBudget,
    connect,
    ids,
    known,
)


def test_the_token_request_is_genesys_own(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Client credentials go as HTTP Basic with a form, and the API sees the bearer token."""
    client.get_conversations(ids(1))
    (login,) = genesys.logins
    assert base64.b64decode(login.headers["authorization"].removeprefix("Basic ")) == b"client-7:s3cret-value"
    assert (login.method, login.body) == ("POST", b"grant_type=client_credentials")
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"
    assert genesys.api[0].headers["authorization"] == "Bearer tok-1"


def test_a_token_is_fetched_once_for_all_threads(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Twenty threads at once, on two budgets, share one login."""
    genesys.tokens.append(Reply(body={"access_token": "slow", "expires_in": 600}, delay=0.2))
    clients = [client, client.with_budget(OpenBudget())] * 10
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda each: each.get_conversations(ids(1)), clients))
    assert (len(genesys.logins), len(genesys.api)) == (1, 20)


@pytest.mark.parametrize(
    ("life", "good_for"), [(86_400, 86_345), (300, 245), (5, 4), (None, 245), ("x", 245), (-1, 245)]
)
def test_a_token_is_renewed_before_its_end(
    genesys: FakeGenesys, client: GenesysClient, clock: FakeClock, life: Any, good_for: float
) -> None:
    """55 s before its end, or a fifth of its life if less; without expires_in a short life is assumed."""
    genesys.tokens.append(Reply(body={"access_token": "first", "expires_in": life}))
    client.get_conversations(ids(1))
    clock.seconds = good_for - 0.1
    client.get_conversations(ids(1))
    assert len(genesys.logins) == 1
    clock.seconds = good_for + 0.1
    client.get_conversations(ids(1))
    assert len(genesys.logins) == 2


def test_a_refused_token_is_replaced_once(genesys: FakeGenesys, client: GenesysClient) -> None:
    """A 401 drops the token, and the request is made again with a new one."""
    genesys.usual = known
    genesys.script.append(Reply(401, {"code": "bad.credentials"}))
    assert len(client.get_conversations(ids(1)).conversations) == 1
    assert [seen.headers["authorization"] for seen in genesys.api] == ["Bearer tok-1", "Bearer tok-2"]


def test_a_fault_before_a_refused_token_is_no_reason_to_give_up(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """A 500 and then a 401: the new token has its try, and no try is left after that."""
    genesys.usual = known
    genesys.script.extend([Reply(500), Reply(401)])
    assert len(client.get_conversations(ids(1)).conversations) == 1
    genesys.script.extend([Reply(500), Reply(401), Reply(500)])
    with pytest.raises(Unavailable):
        client.get_conversations(ids(1))
    assert len(genesys.api) == 6


def test_a_fresh_token_that_is_refused_is_a_fault_of_configuration(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """Two 401s with two tokens end it."""
    genesys.script.extend([Reply(401, {"code": "authentication.required", "contextId": "ctx-9"})] * 9)
    with pytest.raises(AuthenticationFailed) as caught:
        client.get_conversations(ids(1))
    assert (len(genesys.api), len(genesys.logins)) == (2, 2)
    assert caught.value.correlation_id == "ctx-9"


def test_many_refusals_of_one_token_cost_one_login(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Threads that were refused with the same old token do not throw away the new one of another."""
    gate = threading.Barrier(8)

    def revoked(seen: Seen) -> Reply:
        if seen.headers["authorization"] == "Bearer tok-1":
            gate.wait(10)
            return Reply(401)
        return known(seen)

    genesys.usual = revoked
    with ThreadPoolExecutor(8) as threads:
        fetches = list(threads.map(lambda _: client.get_conversations(ids(1)), range(8)))
    assert all(len(fetch.conversations) == 1 for fetch in fetches)
    assert len(genesys.logins) == 2


@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_client_is_named_and_its_secret_is_not(
    genesys: FakeGenesys, client: GenesysClient, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The error names host, client and Genesys's code; neither it nor the log has the secret."""
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
def test_a_login_host_in_trouble_is_transient(
    genesys: FakeGenesys, client: GenesysClient, fault: Reply
) -> None:
    """The token endpoint has the same two tries, and its faults are never taken for a wrong secret."""
    genesys.tokens.append(fault)
    client.get_conversations(ids(1))
    genesys.seen.clear()
    genesys.tokens.extend([fault] * 2)
    other = connect(genesys, OpenBudget(), FakeClock())
    with pytest.raises((Unavailable, Throttled)):
        other.get_conversations(ids(1))
    assert (len(genesys.logins), len(genesys.api)) == (2, 0)


@pytest.mark.parametrize("token", [None, "", 7, "a\r\nX: y", "two words"])
def test_a_login_without_a_usable_token_is_transient(
    genesys: FakeGenesys, client: GenesysClient, token: Any
) -> None:
    """A token that is absent or could not stand in a header is not used."""
    genesys.tokens.append(Reply(body={"access_token": token, "expires_in": 600}))
    with pytest.raises(Unavailable, match="without an access token"):
        client.get_conversations(ids(1))


def test_a_failing_login_is_shared_by_those_who_waited_for_it(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """Ten threads and a wrong secret are one or two logins, not ten."""
    genesys.tokens.extend([Reply(401, {"error": "invalid_client"}, delay=0.3)] * 10)
    start = threading.Barrier(10)

    def work(_: int) -> str:
        start.wait(10)
        try:
            client.get_conversations(ids(1))
        except AuthenticationFailed as error:
            return error.genesys_code or ""
        return ""

    with ThreadPoolExecutor(10) as threads:
        assert list(threads.map(work, range(10))) == ["invalid_client"] * 10
    assert len(genesys.logins) <= 2


def test_a_turn_that_went_stale_is_taken_again(genesys: FakeGenesys, clock: FakeClock) -> None:
    """When the login's own turn came 10 s later, the request takes another turn before it goes."""
    budget = OpenBudget(clock, waits=[0, 10, 0])
    connect(genesys, budget, clock).get_conversations(ids(1))
    assert (budget.turns, len(genesys.seen)) == (3, 2)


def test_a_token_takes_its_turn_in_the_whole_budget(genesys: FakeGenesys, clock: FakeClock) -> None:
    """Everybody waits for a token: background work must not fetch it at its own pace."""
    whole, share = OpenBudget(), OpenBudget()
    genesys.usual = known
    connect(genesys, whole, clock).with_budget(share).get_conversations(ids(1))
    assert (whole.turns, share.turns, len(genesys.logins)) == (1, 1, 1)


def test_a_token_that_lives_for_ever_is_used(genesys: FakeGenesys, client: GenesysClient) -> None:
    """A life of four hundred digits is no reason to fail."""
    genesys.tokens.append(Reply(raw=b'{"access_token": "tok-9", "expires_in": ' + b"9" * 400 + b"}"))
    client.get_conversations(ids(1))
    assert genesys.api[0].headers["authorization"] == "Bearer tok-9"
