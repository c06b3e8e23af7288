"""Conversations, attributes, queries and integrations of the Genesys client, over real HTTP."""

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
    ResponseTooLarge,
)
from tasks.settings import Settings
from tests.support.fake_genesys import FakeGenesys, ReceivedRequest, Reply
from tests.support.genesys import (
    DETAILS,
    START,
    UnlimitedLimiter,
    all_known,
    conversation,
    ids,
)


def test_a_batch_is_one_request(
    genesys: FakeGenesys, client: GenesysClient, limiter: UnlimitedLimiter
) -> None:
    """A hundred ids, without duplicates, are sent in one request; the response's Date is that of each conversation."""
    genesys.default = all_known
    wanted = ids(100)
    before = datetime.now(UTC).replace(microsecond=0)
    fetch = client.get_conversations([*wanted, *(name.upper() for name in wanted)])
    assert set(fetch.conversations) == set(wanted)
    assert (fetch.missing, fetch.refused, fetch.requests) == (frozenset(), {}, 1)
    dates = list(fetch.dates.values())  # by the server's clock, not START
    assert len(dates) == 100
    assert all(before <= date <= datetime.now(UTC) for date in dates)
    assert [request.query["id"] for request in genesys.api] == [[",".join(wanted)]]
    assert limiter.permits == len(genesys.requests) == 2


def test_more_ids_are_several_requests(genesys: FakeGenesys, client: GenesysClient) -> None:
    """250 ids are three requests."""
    genesys.default = all_known
    fetch = client.get_conversations(ids(250))
    assert (len(fetch.conversations), fetch.requests, len(genesys.api)) == (250, 3, 3)


def test_without_a_valid_id_no_request_is_sent(genesys: FakeGenesys, client: GenesysClient) -> None:
    """An empty list needs no request; ids that are not UUIDs are refused without one."""
    assert client.get_conversations([]).requests == 0
    fetch = client.get_conversations(["../../oauth/token", "a,b", "", "x" * 36])
    assert set(fetch.refused) == {"../../oauth/token", "a,b", "", "x" * 36}
    assert genesys.requests == []


@pytest.mark.parametrize("body", [{}, {"conversations": []}, {"conversations": None}, {"totalHits": 0}])
def test_an_id_without_a_conversation_is_missing(
    genesys: FakeGenesys, client: GenesysClient, body: dict[str, Any]
) -> None:
    """Ids that Genesys leaves out are missing, whether it sends an empty list or none."""
    wanted = ids(3)
    genesys.script.append(Reply(body=body))
    assert client.get_conversations(wanted).missing == frozenset(wanted)


def test_only_conversations_that_were_asked_for_are_returned(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """Other conversations, entries without an id and values that are no object are ignored, and so is case."""
    one, two = ids(2)
    entries = [conversation(one.upper()), conversation(ids(1)[0]), {"conversationId": 7}, {}, None, "x", [1]]
    genesys.script.append(Reply(body={"conversations": entries}))
    fetch = client.get_conversations([one, two])
    assert (set(fetch.conversations), fetch.missing) == ({one}, frozenset({two}))


def test_numbers_come_exact(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Floats of a response are Decimals."""
    (name,) = ids(1)
    genesys.script.append(
        Reply(body={"conversations": [conversation(name, mediaStatsMinConversationMos=4.87)]})
    )
    fetch = client.get_conversations([name])
    assert fetch.conversations[name]["mediaStatsMinConversationMos"] == Decimal("4.87")


@pytest.mark.parametrize("status", [400, 413, 414])
def test_a_bad_id_does_not_cost_the_others(genesys: FakeGenesys, client: GenesysClient, status: int) -> None:
    """A refused batch is halved until the bad id is alone and refused; all others are fetched."""
    wanted = ids(100)
    bad = {wanted[13], wanted[77]}

    def picky(request: ReceivedRequest) -> Reply:
        if bad & set(request.query["id"][0].split(",")):
            return Reply(status, {"code": "bad.request", "contextId": "ctx-1"})
        return all_known(request)

    genesys.default = picky
    fetch = client.get_conversations(wanted)
    assert set(fetch.conversations) == set(wanted) - bad
    assert set(fetch.refused) == bad
    assert all(isinstance(error, BadRequest) for error in fetch.refused.values())
    assert fetch.requests == len(genesys.api) <= 30


def test_a_404_of_genesys_means_a_missing_conversation(genesys: FakeGenesys, client: GenesysClient) -> None:
    """If Genesys answers an unknown id with not.found, it is missing, and the others are fetched."""
    wanted = ids(8)

    def strict(request: ReceivedRequest) -> Reply:
        return (
            Reply(404, {"code": "not.found"}) if wanted[3] in request.query["id"][0] else all_known(request)
        )

    genesys.default = strict
    fetch = client.get_conversations(wanted)
    assert (len(fetch.conversations), fetch.missing) == (7, frozenset({wanted[3]}))


def test_a_404_without_a_code_is_an_error(genesys: FakeGenesys, client: GenesysClient) -> None:
    """A host that does not know the path does not make all ids missing."""
    genesys.script.append(Reply(404, raw=b"<h1>Not Found</h1>", headers={"Content-Type": "text/html"}))
    with pytest.raises(Misconfigured, match="does not know the call"):
        client.get_conversations(ids(4))
    assert len(genesys.api) == 1


def test_each_conversation_has_the_date_of_its_own_response(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """When a batch is split, each half has the Date of its own response."""
    one, two = ids(2)
    dates = ["Sun, 01 Mar 2026 10:00:00 GMT", "Sun, 01 Mar 2026 10:01:30 GMT"]
    genesys.script.append(Reply(400, {"code": "bad.request"}))
    for name, date in zip((one, two), dates, strict=True):
        genesys.script.append(Reply(body={"conversations": [conversation(name)]}, headers={"Date": date}))
    found = client.get_conversations([one, two]).dates
    assert found[two] - found[one] == timedelta(seconds=90)


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 31 Dec 9999 23:59:59 -1200"])
def test_without_a_date_header_the_workers_clock_counts(
    genesys: FakeGenesys, client: GenesysClient, date: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A response without a usable Date has this machine's time, and the log says so."""
    (wanted,) = ids(1)
    body = {"conversations": [{"conversationId": wanted}]}
    genesys.script.append(Reply(headers={"Date": date}, body=body))
    assert client.get_conversations([wanted]).dates == {wanted: START}
    assert "without a usable Date" in caplog.text


def test_the_details_query_has_interval_filters_and_page(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Interval in UTC, ended conversations only, filtered by queue if there are queues, paged."""
    (name, queue) = ids(2)
    genesys.script.append(Reply(body={"conversations": [conversation(name)], "totalHits": 101}))
    page = client.query_conversations(START, START + timedelta(hours=1), queue_ids=[queue])
    assert ([each["conversationId"] for each in page.conversations], page.total_hits) == ([name], 101)
    assert not page.is_last
    (request,) = genesys.api
    assert (request.method, request.path) == ("POST", f"{DETAILS}/query")
    assert b'"interval": "2026-03-01T12:00:00.000Z/2026-03-01T13:00:00.000Z"' in request.body
    assert b'"pageSize": 100, "pageNumber": 1' in request.body
    assert b'"dimension": "conversationEnd", "operator": "exists"' in request.body
    assert f'"value": "{queue}"'.encode() in request.body


def test_an_empty_page_is_the_last_one(genesys: FakeGenesys, client: GenesysClient) -> None:
    """A page without conversations is the last, and no other is, whatever totalHits says: it is an estimate."""
    (name,) = ids(1)
    genesys.script.append(Reply(body={"totalHits": 5000}))
    assert client.query_conversations(START, START, page=3).is_last
    genesys.script.append(Reply(body={"conversations": [conversation(name)], "totalHits": 1}))
    assert not client.query_conversations(START, START).is_last


@pytest.mark.parametrize(("status", "code"), [(413, "payload.too.large"), (400, "response.entity.too.large")])
def test_a_page_that_is_too_large_says_so(
    genesys: FakeGenesys, client: GenesysClient, status: int, code: str
) -> None:
    """The error of a response that is too large is not that of a request that is."""
    genesys.script.append(Reply(status, {"code": code}))
    with pytest.raises(ResponseTooLarge, match=code):
        client.query_conversations(START, START)
    genesys.script.append(Reply(413, {"code": "request.entity.too.large"}))
    with pytest.raises(BadRequest) as caught:
        client.query_conversations(START, START)
    assert not isinstance(caught.value, ResponseTooLarge)


def test_integrations_are_read_to_the_last_page(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Every page of the EventBridge integrations is read; a configuration is read by its id, a UUID."""
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


def test_a_client_follows_its_settings(genesys: FakeGenesys, limiter: UnlimitedLimiter) -> None:
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
    genesys.default = all_known
    assert GenesysClient.from_settings(settings, limiter).get_conversations(ids(25)).requests == 3


def test_attributes_are_returned_by_participant(genesys: FakeGenesys, client: GenesysClient) -> None:
    """One request to the operational API; participants without attributes are left out."""
    participants = [
        {"id": "p-1", "purpose": "customer", "attributes": {"mail": "ada@example.com"}},
        {"id": "p-2", "purpose": "agent"},
        {"id": "p-3", "attributes": None},
        "nonsense",
    ]
    (name,) = ids(1)
    genesys.script.append(Reply(body={"id": name, "participants": participants}))
    assert client.get_attributes(name) == {"p-1": {"mail": "ada@example.com"}}
    assert [request.path for request in genesys.api] == [f"/api/v2/conversations/{name}"]


@pytest.mark.parametrize("body", [{}, {"participants": None}, {"participants": {}}])
def test_a_conversation_without_participants_has_no_attributes(
    genesys: FakeGenesys, client: GenesysClient, body: dict[str, Any]
) -> None:
    """A response of another form has no attributes, and is no error."""
    genesys.script.append(Reply(body=body))
    assert client.get_attributes(ids(1)[0]) == {}


def test_the_attributes_of_an_unknown_conversation_are_none(
    genesys: FakeGenesys, client: GenesysClient
) -> None:
    """The operational API keeps a conversation for a shorter time than the details API."""
    genesys.script.append(Reply(404, {"code": "not.found"}))
    assert client.get_attributes(ids(1)[0]) is None
