"""The Genesys client and the simulator: everything once, with a Genesys that behaves as Genesys does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import requests
from pydantic import SecretStr

from deployments.sandbox.genesys.process import running
from deployments.sandbox.genesys.tokens import CLIENT_ID, CLIENT_SECRET
from tasks.genesys import (
    AuthenticationFailed,
    GenesysClient,
    MemoryLedger,
    NotPermitted,
    SharedBudget,
    Tally,
    Throttled,
    Unavailable,
)
from tasks.settings import Settings


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """One simulator for all."""
    with running() as address:
        yield address


@pytest.fixture
def genesys(simulator: str) -> str:
    """The simulator, well again."""
    requests.post(f"{simulator}/_sim/reset", json={}, timeout=10).raise_for_status()
    return simulator


@pytest.fixture
def client(genesys: str) -> GenesysClient:
    """A client with the right secret."""
    return connect(genesys)


def connect(genesys: str, secret: str = CLIENT_SECRET, **options: Any) -> GenesysClient:
    """Return a client with a budget of its own."""
    chosen = Settings(
        genesys_client_id=CLIENT_ID,
        genesys_client_secret=SecretStr(secret),
        genesys_login_url=genesys,
        genesys_api_url=genesys,
        genesys_retry_delay=0.0,
        interaction_table="i",
        quarantine_table="q",
        **options,
    )
    return GenesysClient.from_settings(chosen, SharedBudget(Tally(MemoryLedger(), 65.0), lambda: 300))


def fault(genesys: str, **faults: Any) -> None:
    """Set faults."""
    requests.post(f"{genesys}/_sim/faults", json=faults, timeout=10).raise_for_status()


def ids(count: int) -> list[str]:
    """Return new conversation ids."""
    return [str(uuid4()) for _ in range(count)]


def test_a_hundred_conversations_are_one_request(client: GenesysClient) -> None:
    """Every id is answered in one request, dated by the simulator's clock."""
    wanted = ids(100)
    fetch = client.get_conversations(wanted)
    assert set(fetch.conversations) == set(wanted)
    assert (fetch.requests, fetch.missing, fetch.refused) == (1, frozenset(), {})
    assert fetch.correlation_id
    assert all(fetch.conversations[name]["participants"] for name in wanted)


def test_the_fetch_is_dated_by_genesys(genesys: str, client: GenesysClient) -> None:
    """When the worker's clock and Genesys's differ by an hour, Genesys's counts."""
    fault(genesys, date_offset=3600)
    (date,) = client.get_conversations(ids(1)).dates.values()
    ahead = date - datetime.now(UTC)
    assert timedelta(minutes=59) < ahead < timedelta(minutes=61)


def test_unknown_and_refused_ids_cost_the_others_nothing(genesys: str, client: GenesysClient) -> None:
    """Of a hundred: two unknown ones are missing, a refused one is alone in its refusal, the others come."""
    wanted = ids(100)
    fault(genesys, unknown_ids=wanted[:2], reject_ids=wanted[50:51])
    fetch = client.get_conversations(wanted)
    assert (fetch.missing, set(fetch.refused)) == (frozenset(wanted[:2]), {wanted[50]})
    assert len(fetch.conversations) == 97


def test_a_smaller_maximum_than_ours_is_found_by_halving(genesys: str, client: GenesysClient) -> None:
    """Genesys's maximum of ids is not published: should it be 30, everything still comes."""
    fault(genesys, ids_max=30)
    fetch = client.get_conversations(ids(100))
    assert (len(fetch.conversations), fetch.refused, fetch.requests) == (100, {}, 7)


def test_a_revoked_token_is_not_noticed_outside(genesys: str, client: GenesysClient) -> None:
    """All tokens die between two fetches; the second one logs in again."""
    client.get_conversations(ids(1))
    fault(genesys, revoke_tokens=True)
    assert len(client.get_conversations(ids(3)).conversations) == 3


def test_a_long_retry_after_is_handed_back(genesys: str, client: GenesysClient) -> None:
    """429 with an hour to wait: at once an error that names the hour, and all is well when the fault ends."""
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
    """Half bodies, HTML pages and 500s, every time, are a transient error after two tries."""
    fault(genesys, **{name: 1.0})
    with pytest.raises(Unavailable):
        client.get_conversations(ids(2))


def test_a_wrong_secret_names_the_client(genesys: str) -> None:
    """The token endpoint's refusal becomes an error with the client's id and without the secret."""
    with pytest.raises(AuthenticationFailed, match=CLIENT_ID) as caught:
        connect(genesys, "not-the-secret").get_conversations(ids(1))
    assert "not-the-secret" not in str(caught.value)


def test_a_missing_permission_is_said(genesys: str, client: GenesysClient) -> None:
    """403 is not tried again, and asks for a role."""
    fault(genesys, missing_permission="analytics:conversationDetail:view")
    with pytest.raises(NotPermitted, match="role"):
        client.get_conversations(ids(1))


def test_a_day_is_read_page_by_page(genesys: str, client: GenesysClient) -> None:
    """Every conversation of an interval is found once, and the last page says so."""
    start = datetime(2026, 1, 10, 8, 0, tzinfo=UTC)
    body = {"count": 130, "start": start.isoformat(), "end": (start + timedelta(hours=2)).isoformat()}
    added = requests.post(f"{genesys}/_sim/conversations", json=body, timeout=10).json()["ids"]
    found: list[str] = []
    for number in range(1, 9):
        page = client.query_conversations(start, start + timedelta(hours=3), page=number, page_size=50)
        found += [each["conversationId"] for each in page.conversations]
        if page.is_last:
            break
    assert sorted(found) == sorted(added)
    assert (page.page, page.total_hits) == (3, 130)


def test_the_event_bridge_integration_is_found(client: GenesysClient) -> None:
    """The integration of the type is listed with its health, and its configuration has the topics."""
    (integration,) = client.integrations()
    assert integration["reportedState"]
    properties = client.integration_config(integration["id"])["properties"]
    assert properties["eventSourceSuffix"]
