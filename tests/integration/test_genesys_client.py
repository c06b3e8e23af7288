"""The Genesys client over real HTTP: conversations, queries and integrations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from tasks.genesys import (
    BadRequest,
    GenesysClient,
    Misconfigured,
)
from tasks.settings import Settings
from tests.integration.genesys_fake import FakeGenesys, Reply, Seen
from tests.integration.genesys_stand import (
    DETAILS,
    START,
    OpenBudget,
    conversation,
    ids,
    known,
)


def test_a_batch_is_one_request(genesys: FakeGenesys, client: GenesysClient, budget: OpenBudget) -> None:
    """A hundred ids, doubles aside, travel comma-joined in one request, and the answer's Date dates them."""
    genesys.usual = known
    wanted = ids(100)
    fetch = client.get_conversations([*wanted, *(name.upper() for name in wanted)])
    assert set(fetch.conversations) == set(wanted)
    assert (fetch.missing, fetch.refused, fetch.requests) == (frozenset(), {}, 1)
    ago = [datetime.now(UTC) - date for date in fetch.dates.values()]  # by the server's clock, not START
    assert len(ago) == 100
    assert all(abs(each) < timedelta(seconds=5) for each in ago)
    assert [seen.query["id"] for seen in genesys.api] == [[",".join(wanted)]]
    assert budget.turns == len(genesys.seen) == 2


def test_a_larger_set_is_several_batches(genesys: FakeGenesys, client: GenesysClient) -> None:
    """250 ids are three requests."""
    genesys.usual = known
    fetch = client.get_conversations(ids(250))
    assert (len(fetch.conversations), fetch.requests, len(genesys.api)) == (250, 3, 3)


def test_nothing_asked_is_nothing_sent(genesys: FakeGenesys, client: GenesysClient) -> None:
    """No ids, or none that is a UUID, cost no request."""
    assert client.get_conversations([]).requests == 0
    fetch = client.get_conversations(["../../oauth/token", "a,b", "", "x" * 36])
    assert set(fetch.refused) == {"../../oauth/token", "a,b", "", "x" * 36}
    assert genesys.seen == []


@pytest.mark.parametrize("body", [{}, {"conversations": []}, {"conversations": None}, {"totalHits": 0}])
def test_what_did_not_come_back_is_missing(
    genesys: FakeGenesys, client: GenesysClient, body: dict[str, Any]
) -> None:
    """Ids that Genesys left out are missing, whether it sends an empty list or none."""
    wanted = ids(3)
    genesys.script.append(Reply(body=body))
    assert client.get_conversations(wanted).missing == frozenset(wanted)


def test_only_what_was_asked_for_comes_back(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Strangers, entries without an id and what is no object are ignored; case is no difference."""
    one, two = ids(2)
    entries = [conversation(one.upper()), conversation(ids(1)[0]), {"conversationId": 7}, {}, None, "x", [1]]
    genesys.script.append(Reply(body={"conversations": entries}))
    fetch = client.get_conversations([one, two])
    assert (set(fetch.conversations), fetch.missing) == ({one}, frozenset({two}))


def test_numbers_come_exact(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Floats of an answer are Decimals."""
    (name,) = ids(1)
    genesys.script.append(
        Reply(body={"conversations": [conversation(name, mediaStatsMinConversationMos=4.87)]})
    )
    fetch = client.get_conversations([name])
    assert fetch.conversations[name]["mediaStatsMinConversationMos"] == Decimal("4.87")


@pytest.mark.parametrize("status", [400, 413, 414])
def test_one_bad_id_costs_no_good_one(genesys: FakeGenesys, client: GenesysClient, status: int) -> None:
    """A refused batch is halved until the offender is alone; everyone else is fetched."""
    wanted = ids(100)
    bad = {wanted[13], wanted[77]}

    def picky(seen: Seen) -> Reply:
        if bad & set(seen.query["id"][0].split(",")):
            return Reply(status, {"code": "bad.request", "contextId": "ctx-1"})
        return known(seen)

    genesys.usual = picky
    fetch = client.get_conversations(wanted)
    assert set(fetch.conversations) == set(wanted) - bad
    assert set(fetch.refused) == bad
    assert all(isinstance(error, BadRequest) for error in fetch.refused.values())
    assert fetch.requests == len(genesys.api) <= 30


def test_a_404_that_names_no_conversation_is_missing(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Should Genesys answer unknown ids with not.found, they are missing, and the others are fetched."""
    wanted = ids(8)

    def strict(seen: Seen) -> Reply:
        return Reply(404, {"code": "not.found"}) if wanted[3] in seen.query["id"][0] else known(seen)

    genesys.usual = strict
    fetch = client.get_conversations(wanted)
    assert (len(fetch.conversations), fetch.missing) == (7, frozenset({wanted[3]}))


def test_a_404_of_somebody_else_is_an_error(genesys: FakeGenesys, client: GenesysClient) -> None:
    """A host that does not know the path at all is not a hundred unknown conversations."""
    genesys.script.append(Reply(404, raw=b"<h1>Not Found</h1>", headers={"Content-Type": "text/html"}))
    with pytest.raises(Misconfigured, match="does not know the call"):
        client.get_conversations(ids(4))
    assert len(genesys.api) == 1


def test_each_conversation_has_the_date_of_its_own_answer(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """When a batch is split, what came first is not dated by what came later, nor the other way round."""
    one, two = ids(2)
    dates = ["Sun, 01 Mar 2026 10:00:00 GMT", "Sun, 01 Mar 2026 10:01:30 GMT"]
    genesys.script.append(Reply(400, {"code": "bad.request"}))
    for name, date in zip((one, two), dates, strict=True):
        genesys.script.append(Reply(body={"conversations": [conversation(name)]}, headers={"Date": date}))
    found = client.get_conversations([one, two]).dates
    assert found[two] - found[one] == timedelta(seconds=90)


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 31 Dec 9999 23:59:59 -1200"])
def test_without_a_date_the_workers_clock_dates_the_fetch(
    genesys: FakeGenesys, client: GenesysClient, date: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer without a usable Date is dated by this machine, and the log says so."""
    (wanted,) = ids(1)
    body = {"conversations": [{"conversationId": wanted}]}
    genesys.script.append(Reply(headers={"Date": date}, body=body))
    assert client.get_conversations([wanted]).dates == {wanted: START}
    assert "without a usable Date" in caplog.text


def test_the_details_query_asks_as_genesys_wants(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Interval in UTC, ended conversations only, paged, filtered by queue when asked to."""
    (name, queue) = ids(2)
    genesys.script.append(Reply(body={"conversations": [conversation(name)], "totalHits": 101}))
    page = client.query_conversations(START, START + timedelta(hours=1), queue_ids=[queue])
    assert ([each["conversationId"] for each in page.conversations], page.total_hits) == ([name], 101)
    assert not page.is_last
    (seen,) = genesys.api
    assert (seen.method, seen.path) == ("POST", f"{DETAILS}/query")
    assert b'"interval": "2026-03-01T12:00:00.000Z/2026-03-01T13:00:00.000Z"' in seen.body
    assert b'"pageSize": 100, "pageNumber": 1' in seen.body
    assert b'"dimension": "conversationEnd", "operator": "exists"' in seen.body
    assert f'"value": "{queue}"'.encode() in seen.body


def test_an_empty_page_is_the_last(genesys: FakeGenesys, client: GenesysClient) -> None:
    """No conversations, with or without the key, end the paging whatever totalHits says."""
    genesys.script.append(Reply(body={"totalHits": 5000}))
    assert client.query_conversations(START, START, page=3).is_last


def test_integrations_are_read_to_the_last_page(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Every page of the integrations of a type is read, and one's configuration by its id."""
    name = ids(1)[0]
    genesys.script.extend(
        [
            Reply(body={"entities": [{"id": name}], "pageCount": 2}),
            Reply(body={"entities": [{"id": "b"}], "pageCount": 2}),
            Reply(body={"properties": {"eventSourceSuffix": "x"}}),
        ]
    )
    assert [each["id"] for each in client.integrations()] == [name, "b"]
    assert client.integration_config(name)["properties"] == {"eventSourceSuffix": "x"}
    assert genesys.api[2].path == f"/api/v2/integrations/{name}/config/current"
    with pytest.raises(BadRequest):
        client.integration_config("../secrets")


def test_a_client_is_made_from_the_settings(genesys: FakeGenesys, budget: OpenBudget) -> None:
    """Hosts, credentials and batch size come from the settings."""
    settings = Settings(
        genesys_client_id="c",
        genesys_client_secret=SecretStr("s"),
        genesys_login_url=genesys.url,
        genesys_api_url=genesys.url,
        genesys_batch_size=10,
        interaction_table="i",
        quarantine_table="q",
    )
    genesys.usual = known
    assert GenesysClient.from_settings(settings, budget).get_conversations(ids(25)).requests == 3


def test_attributes_come_by_participant(genesys: FakeGenesys, client: GenesysClient) -> None:
    """One request, of the operational API; participants without attributes are left out."""
    participants = [
        {"id": "p-1", "purpose": "customer", "attributes": {"mail": "ada@example.com"}},
        {"id": "p-2", "purpose": "agent"},
        {"id": "p-3", "attributes": None},
        "nonsense",
    ]
    (name,) = ids(1)
    genesys.script.append(Reply(body={"id": name, "participants": participants}))
    assert client.get_attributes(name) == {"p-1": {"mail": "ada@example.com"}}
    assert [seen.path for seen in genesys.api] == [f"/api/v2/conversations/{name}"]


@pytest.mark.parametrize("body", [{}, {"participants": None}, {"participants": {}}])
def test_a_conversation_without_participants_has_no_attributes(
    genesys: FakeGenesys, client: GenesysClient, body: dict[str, Any]
) -> None:
    """An odd answer costs only the attributes."""
    genesys.script.append(Reply(body=body))
    assert client.get_attributes(ids(1)[0]) == {}


def test_a_conversation_that_the_operational_api_forgot_is_told_from_one_without_attributes(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """It knows a conversation for less long than the details do."""
    genesys.script.append(Reply(404, {"code": "not.found"}))
    assert client.get_attributes(ids(1)[0]) is None
