"""The Genesys client over real HTTP: tokens, tries, waits, splits, and what it never lets out."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from tasks.genesys import (
    AuthenticationFailed,
    Authenticator,
    BadRequest,
    Clock,
    GenesysClient,
    GenesysError,
    Misconfigured,
    NotPermitted,
    Throttled,
    Transport,
    Unavailable,
    resolve,
)
from tasks.settings import Settings
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

    def acquire(self) -> None:
        """Give a turn."""
        self.turns += 1
        if self._clock and self._waits:
            self._clock.seconds += self._waits.pop(0)

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


# Conversations


def test_a_batch_is_one_request(genesys: FakeGenesys, client: GenesysClient, budget: OpenBudget) -> None:
    """A hundred ids, doubles aside, travel comma-joined in one request, and the answer's Date dates them."""
    genesys.usual = known
    wanted = ids(100)
    fetch = client.get_conversations([*wanted, *(name.upper() for name in wanted)])
    assert set(fetch.conversations) == set(wanted)
    assert (fetch.missing, fetch.refused, fetch.requests) == (frozenset(), {}, 1)
    assert abs(fetch.fetched_at - datetime.now(UTC)) < timedelta(seconds=5)  # the server's clock, not START
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


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_without_a_date_the_workers_clock_dates_the_fetch(
    genesys: FakeGenesys, client: GenesysClient, date: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer without a usable Date is dated by this machine, and the log says so."""
    genesys.script.append(Reply(headers={"Date": date}))
    assert client.get_conversations(ids(1)).fetched_at == START
    assert "without a usable Date" in caplog.text


# Tries and waits

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


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_passing_fault_is_tried_once_more(
    genesys: FakeGenesys, client: GenesysClient, clock: FakeClock, budget: OpenBudget, fault: Reply
) -> None:
    """No answer, an unusable answer, and 408, 429 and 5xx are tried a second time, each try with a turn."""
    genesys.usual = known
    genesys.script.append(fault)
    fetch = client.get_conversations(ids(2))
    assert (len(fetch.conversations), fetch.requests, len(genesys.api)) == (2, 2, 2)
    assert clock.sleeps == [1.0]
    assert budget.turns == len(genesys.seen) == 3


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_lasting_fault_is_tried_twice_and_no_more(
    genesys: FakeGenesys, client: GenesysClient, clock: FakeClock, fault: Reply
) -> None:
    """After the second try the caller decides: a transient error, with the code of what happened."""
    genesys.script.extend([fault] * 9)
    with pytest.raises((Unavailable, Throttled)) as caught:
        client.get_conversations(ids(2))
    assert isinstance(caught.value, Throttled) == (fault.status == 429)
    assert (len(genesys.api), len(clock.sleeps)) == (2, 1)


@pytest.mark.parametrize("status", [403, 405, 409, 415, 422, 302, 304])
def test_nothing_else_is_tried_again(genesys: FakeGenesys, client: GenesysClient, status: int) -> None:
    """Any other status is final at once."""
    genesys.script.append(Reply(status, raw=b"", headers={"Location": "https://evil.example/"}))
    with pytest.raises(GenesysError):
        client.get_conversations(ids(1))
    assert len(genesys.api) == 1


@pytest.mark.parametrize(
    "reply", [Reply(delay=0.5), Reply(body={"conversations": []}, drip=0.05)], ids=["silent", "dripping"]
)
def test_a_slow_answer_is_given_up(genesys: FakeGenesys, budget: OpenBudget, reply: Reply) -> None:
    """Neither silence nor an answer byte by byte holds a worker longer than the time-outs."""
    genesys.script.extend([reply] * 2)
    client = connect(genesys, budget, connect_timeout=0.1, read_timeout=0.2, retry_delay=0.0)
    with pytest.raises(Unavailable, match="Time"):
        client.get_conversations(ids(1))
    assert len(genesys.api) == 2


def test_a_host_that_is_down_is_unavailable(budget: OpenBudget, clock: FakeClock) -> None:
    """A refused connection is a transient error that names the kind of failure and the host."""
    with fake_genesys() as fake:
        pass
    with pytest.raises(Unavailable, match="ConnectionRefusedError") as caught:
        connect(fake, budget, clock).get_conversations(ids(1))
    assert fake.url == f"http://{caught.value.region}"
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("headers", "slept"),
    [({"Retry-After": "7"}, 7), ({"inin-ratelimit-reset": "9"}, 9), ({"Retry-After": "30"}, 30)],
)
def test_the_wait_is_the_one_that_genesys_asks_for(
    genesys: FakeGenesys, client: GenesysClient, clock: FakeClock, headers: dict[str, str], slept: float
) -> None:
    """Retry-After, then the reset of the rate limit, up to the cap."""
    genesys.script.append(Reply(429, {"code": "too.many.requests.retry.after"}, headers))
    client.get_conversations(ids(1))
    assert clock.sleeps == [slept]


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_wait_is_handed_back_at_once(
    genesys: FakeGenesys, client: GenesysClient, clock: FakeClock, status: int
) -> None:
    """A Retry-After of an hour is not slept on: the error says when to come back."""
    genesys.script.append(Reply(status, {}, {"Retry-After": "3600"}))
    with pytest.raises((Throttled, Unavailable)) as caught:
        client.get_conversations(ids(1))
    assert (caught.value.retry_after, clock.sleeps, len(genesys.api)) == (3600, [], 1)


def test_the_budget_sees_every_answers_headers(
    genesys: FakeGenesys, client: GenesysClient, budget: OpenBudget
) -> None:
    """Rate limit headers of refusals count as well as those of successes."""
    genesys.script.append(Reply(429, {}, {"inin-ratelimit-allowed": "180", "Retry-After": "1"}))
    client.get_conversations(ids(1))
    assert [headers.get("inin-ratelimit-allowed") for headers in budget.observed] == ["180", None]


def test_connections_are_kept_and_cookies_are_not(genesys: FakeGenesys, client: GenesysClient) -> None:
    """The next request comes over the same connection, and with nothing else of the last one."""
    genesys.script.append(Reply(headers={"Set-Cookie": "a=b"}))
    client.get_conversations(ids(1))
    client.get_conversations(ids(1))
    assert "cookie" not in genesys.api[1].headers
    assert genesys.api[0].port == genesys.api[1].port


# Tokens


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


# What is seen of it


def test_the_log_has_ids_and_no_secrets(
    genesys: FakeGenesys, client: GenesysClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Each try is a line with status, try and correlation id; never a token, a secret or a person."""
    caplog.set_level(logging.INFO, logger="tasks.genesys")
    (name,) = ids(1)
    reply = Reply(body={"conversations": [conversation(name, participants=[{"participantName": "Jane"}])]})
    genesys.script.extend([Reply(500, {}, {"ININ-Correlation-Id": "corr-1"}), reply])
    client.get_conversations([name])
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("tasks.genesys")]
    assert any("500, try 1" in line and "corr-1" in line for line in lines)
    assert any("200, try 2" in line for line in lines)
    assert not any(word in line for line in lines for word in ("tok-1", "s3cret", "Jane"))


def test_errors_carry_what_support_asks_for(genesys: FakeGenesys, client: GenesysClient) -> None:
    """Status, correlation id, region and Genesys's code are attributes."""
    genesys.script.append(Reply(403, {"code": "missing.permissions", "contextId": "ctx-3"}))
    with pytest.raises(NotPermitted, match=r"missing\.permissions") as caught:
        client.get_conversations(ids(1))
    error = caught.value
    assert (error.status, error.correlation_id, error.genesys_code) == (403, "ctx-3", "missing.permissions")
    assert error.region == client.hosts.region
    assert error.__cause__ is None
    assert error.__context__ is None  # the library's exceptions hold the request with its credentials


# Other calls


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
