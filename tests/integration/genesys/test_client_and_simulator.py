"""Every method of the Genesys client against the simulator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import requests
from pydantic import SecretStr

from deployments.sandbox.genesys.http.tokens import CLIENT_ID, CLIENT_SECRET
from tasks.genesys import (
    AuthenticationFailed,
    GenesysClient,
    MemoryWindowStore,
    NotPermitted,
    RateLimiter,
    ResponseTooLarge,
    SharedWindow,
    Throttled,
    Unavailable,
)
from tasks.settings import Settings


@pytest.fixture
def genesys(simulator: str) -> str:
    """The simulator without faults."""
    requests.post(f"{simulator}/_sim/reset", json={}, timeout=60).raise_for_status()
    return simulator


@pytest.fixture
def client(genesys: str) -> GenesysClient:
    """A client with valid credentials."""
    return connect(genesys)


def connect(genesys: str, secret: str = CLIENT_SECRET, **options: Any) -> GenesysClient:
    """Return a client with a rate limiter of its own."""
    config = Settings(
        genesys_client_id=CLIENT_ID,
        genesys_client_secret=SecretStr(secret),
        genesys_login_url=genesys,
        genesys_api_url=genesys,
        genesys_retry_delay=0.0,
        interaction_table="i",
        quarantine_table="q",
        **options,
    )
    return GenesysClient.from_settings(
        config, RateLimiter(SharedWindow(MemoryWindowStore(), 60.0, 1.0), lambda: 300)
    )


def fault(genesys: str, **faults: Any) -> None:
    """Set faults of the simulator."""
    requests.post(f"{genesys}/_sim/faults", json=faults, timeout=60).raise_for_status()


def ids(count: int) -> list[str]:
    """Return new conversation ids."""
    return [str(uuid4()) for _ in range(count)]


def test_a_hundred_conversations_are_one_request(client: GenesysClient) -> None:
    """One request returns every id, with participants and the correlation id."""
    wanted = ids(100)
    fetch = client.get_conversations(wanted)
    assert set(fetch.conversations) == set(wanted)
    assert (fetch.requests, fetch.missing, fetch.refused) == (1, frozenset(), {})
    assert fetch.correlation_id
    assert all(fetch.conversations[name]["participants"] for name in wanted)


def test_the_fetch_is_dated_by_genesys(genesys: str, client: GenesysClient) -> None:
    """When the worker's clock and Genesys's differ by an hour, the date is Genesys's."""
    fault(genesys, date_offset=3600)
    before = datetime.now(UTC).replace(microsecond=0)
    (date,) = client.get_conversations(ids(1)).dates.values()
    assert before <= date - timedelta(hours=1) <= datetime.now(UTC)


def test_unknown_and_refused_ids_cost_the_others_nothing(genesys: str, client: GenesysClient) -> None:
    """Of a hundred ids, two unknown ones are missing, a bad one is refused, and the others are returned."""
    wanted = ids(100)
    fault(genesys, unknown_ids=wanted[:2], reject_ids=wanted[50:51])
    fetch = client.get_conversations(wanted)
    assert (fetch.missing, set(fetch.refused)) == (frozenset(wanted[:2]), {wanted[50]})
    assert len(fetch.conversations) == 97


def test_a_smaller_maximum_of_ids_is_found_by_halving(genesys: str, client: GenesysClient) -> None:
    """Genesys does not publish its maximum of ids per request: with 30, all are still returned."""
    fault(genesys, ids_max=30)
    fetch = client.get_conversations(ids(100))
    assert (len(fetch.conversations), fetch.refused, fetch.requests) == (100, {}, 7)


def test_a_revoked_token_is_replaced(genesys: str, client: GenesysClient) -> None:
    """When all tokens are revoked between two fetches, the second one logs in again."""
    client.get_conversations(ids(1))
    fault(genesys, revoke_tokens=True)
    assert len(client.get_conversations(ids(3)).conversations) == 3


def test_a_long_retry_after_is_an_error_at_once(genesys: str, client: GenesysClient) -> None:
    """A 429 with an hour to wait raises an error with that hour; the next request after the fault succeeds."""
    client.get_conversations(ids(1))
    fault(genesys, throttle={"retry_after": 3600, "for_seconds": 600})
    with pytest.raises(Throttled) as caught:
        client.get_conversations(ids(1))
    assert (caught.value.retry_after, caught.value.status) == (3600, 429)
    assert caught.value.correlation_id
    fault(genesys, throttle=None)
    assert client.get_conversations(ids(1)).conversations


@pytest.mark.parametrize("name", ["half_body_rate", "wrong_content_type_rate", "error_rate"])
def test_a_broken_genesys_is_unavailable(genesys: str, client: GenesysClient, name: str) -> None:
    """Only half bodies, HTML pages or 500s are a transient error after two attempts."""
    fault(genesys, **{name: 1.0})
    with pytest.raises(Unavailable):
        client.get_conversations(ids(2))


def test_a_wrong_secret_names_the_client(genesys: str) -> None:
    """The token endpoint's refusal is an error with the client's id and without the secret."""
    with pytest.raises(AuthenticationFailed, match=CLIENT_ID) as caught:
        connect(genesys, "not-the-secret").get_conversations(ids(1))
    assert "not-the-secret" not in str(caught.value)


def test_a_missing_permission_is_named(genesys: str, client: GenesysClient) -> None:
    """The error of a 403 asks for a role with it."""
    fault(genesys, missing_permission="analytics:conversationDetail:view")
    with pytest.raises(NotPermitted, match="role with the permission analytics:conversationDetail:view"):
        client.get_conversations(ids(1))


def test_a_batch_that_is_too_large_is_asked_for_in_halves(genesys: str, client: GenesysClient) -> None:
    """Genesys refuses an answer, not the conversations: only what is too large alone is refused in the end."""
    wanted, (large,) = ids(40), ids(1)
    change = {"type": "grown", "bytes": 400_000}
    requests.post(f"{genesys}/_sim/conversations/{large}/events", json=change, timeout=60).raise_for_status()
    fault(genesys, response_bytes_max=200_000)
    batch = client.get_conversations([*wanted, large])
    assert set(batch.conversations) == set(wanted)
    assert list(batch.refused) == [large]
    assert isinstance(batch.refused[large], ResponseTooLarge)


def test_an_interval_is_read_page_by_page(genesys: str, client: GenesysClient) -> None:
    """Every conversation of an interval is returned once, up to the page that is the last."""
    start = datetime(2026, 1, 10, 8, 0, tzinfo=UTC)
    body = {"count": 130, "start": start.isoformat(), "end": (start + timedelta(hours=2)).isoformat()}
    added = requests.post(f"{genesys}/_sim/conversations", json=body, timeout=60).json()["ids"]
    found: list[str] = []
    for number in range(1, 9):
        page = client.query_conversations(start, start + timedelta(hours=3), page=number, page_size=50)
        found += [each["conversationId"] for each in page.conversations]
        if page.is_last:
            break
    assert sorted(found) == sorted(added)
    assert page.page == 4
    assert page.total_hits is not None
    assert 120 < page.total_hits < 140


def test_the_event_bridge_integration_is_found(client: GenesysClient) -> None:
    """The EventBridge integration is listed with its health; its configuration has the event source."""
    (integration,) = client.integrations()
    assert integration["reportedState"]
    properties = client.integration_config(integration["id"])["properties"]
    assert properties["eventSourceSuffix"]
