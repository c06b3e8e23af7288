"""The Genesys simulator's login, rate limit, counters, multi-get and integrations."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from uuid import UUID, uuid4

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.sandbox.genesys.control.pii import personal_strings
from deployments.sandbox.genesys.http.limits import RequestCounter
from deployments.sandbox.genesys.http.tokens import CLIENT_ID, CLIENT_SECRET
from deployments.sandbox.genesys.process import running
from tests.support.simulator import (
    DETAILS,
    GRANT,
    QUERY,
    WAIT_SECONDS,
    Json,
    SimulatorClient,
    new_ids,
)

JSON = {"Content-Type": "application/json; charset=utf-8"}
LIMITS = "/api/v2/organizations/limits/namespaces"


def test_listens_on_loopback_only(address: str) -> None:
    """The port is bound on 127.0.0.1 and on no other address of the machine."""
    port = int(address.rsplit(":", 1)[1])
    assert address.startswith("http://127.0.0.1:")
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), timeout=1):
        pass


@pytest.mark.parametrize("way", ["basic", "post"])
def test_token_for_the_client(genesys: SimulatorClient, way: str) -> None:
    """Client id and secret are accepted in a Basic header and in the form."""
    if way == "basic":
        answer = genesys.post("/oauth/token", data=GRANT, auth=(CLIENT_ID, CLIENT_SECRET))
    else:
        form = GRANT | {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        answer = requests.post(genesys.address + "/oauth/token", data=form, timeout=WAIT_SECONDS)
    body = answer.json()
    assert (answer.status_code, body["token_type"], body["expires_in"]) == (200, "bearer", 86_400)
    assert "inin-correlation-id" in answer.headers


@pytest.mark.parametrize(
    ("auth", "form", "status", "error"),
    [
        ((CLIENT_ID, "wrong"), GRANT, 401, "invalid_client"),
        (("nobody", CLIENT_SECRET), GRANT, 400, "invalid_client"),
        ((CLIENT_ID, CLIENT_SECRET), {"grant_type": "password"}, 400, "unsupported_grant_type"),
        ((CLIENT_ID, CLIENT_SECRET), {}, 400, "invalid_request"),
    ],
)
def test_login_errors_have_their_own_body(
    genesys: SimulatorClient, auth: tuple[str, str], form: dict[str, str], status: int, error: str
) -> None:
    """They have error, description and error_description instead of an ErrorBody."""
    answer = genesys.post("/oauth/token", data=form, auth=auth)
    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert set(answer.json()) == {"error", "description", "error_description"}


def test_requests_without_a_valid_token_are_401(genesys: SimulatorClient) -> None:
    """A missing and an unknown token have different codes; contextId is the correlation id."""
    del genesys.session.headers["Authorization"]
    assert genesys.get(DETAILS, id=new_ids(1)).json()["code"] == "authentication.required"
    genesys.session.headers["Authorization"] = "Bearer nonsense"
    answer = genesys.get(DETAILS, id=new_ids(1))
    assert (answer.status_code, answer.json()["code"]) == (401, "bad.credentials")
    assert answer.json()["contextId"] == answer.headers["ININ-Correlation-Id"]


def test_tokens_expire_and_are_revoked(genesys: SimulatorClient) -> None:
    """token_life applies to tokens issued after it; revoke_tokens revokes all."""
    genesys.faults(token_life=0.01)
    genesys.login()
    time.sleep(0.02)
    assert genesys.get("/api/v2/organizations/me").status_code == 401
    genesys.faults(token_life=60)
    genesys.login()
    assert genesys.get("/api/v2/organizations/me").status_code == 200
    genesys.faults(revoke_tokens=True)
    assert genesys.get("/api/v2/organizations/me").status_code == 401


def test_every_response_has_the_rate_limit_headers(genesys: SimulatorClient) -> None:
    """Successes and errors carry inin-ratelimit-*, a correlation id and a Date."""
    for count, path in enumerate(["/api/v2/organizations/me", "/api/v2/nowhere"], start=1):
        before = datetime.now(UTC).replace(microsecond=0)
        headers = genesys.get(path).headers
        assert headers["inin-ratelimit-count"] == str(count)
        assert headers["inin-ratelimit-allowed"] == "300"
        assert 0 < int(headers["inin-ratelimit-reset"]) <= 60
        assert UUID(headers["ININ-Correlation-Id"])
        assert before <= parsedate_to_datetime(headers["Date"]) <= datetime.now(UTC)


def test_requests_beyond_the_limit_are_429(genesys: SimulatorClient) -> None:
    """The 429 has Genesys's body and Retry-After; another token has its own limit; the next window is open."""
    genesys.faults(rate_limit=5)
    statuses = [genesys.get("/api/v2/organizations/me").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    answer = genesys.get("/api/v2/organizations/me")
    body = answer.json()
    wait = answer.headers["Retry-After"]
    assert 0 < int(wait) <= 60
    assert body["message"] == f"Rate limit exceeded the maximum. Retry the request in [{wait}] seconds"
    assert (body["code"], body["status"]) == ("too.many.requests.retry.after", 429)
    first = genesys.session.headers["Authorization"]
    assert genesys.login().get("/api/v2/organizations/me").status_code == 200
    genesys.session.headers["Authorization"] = first
    assert genesys.get("/api/v2/organizations/me").status_code == 429
    genesys.faults(rate_window=0.01)
    time.sleep(0.02)
    assert genesys.get("/api/v2/organizations/me").status_code == 200


def test_the_default_limit_is_300_a_minute(genesys: SimulatorClient) -> None:
    """The 301st request of a minute is a 429."""
    statuses = [genesys.get("/api/v2/organizations/me").status_code for _ in range(301)]
    assert statuses == [200] * 300 + [429]
    assert genesys.sim()["given_429"] == 1


def test_large_requests_are_refused(genesys: SimulatorClient) -> None:
    """A body may have 512,000 bytes (else 413); a long address is 414."""
    assert genesys.post(QUERY, data=b"x" * 512_000, headers=JSON).status_code == 400
    answer = genesys.post(QUERY, data=b"x" * 512_001, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "request.entity.too.large")
    assert genesys.get(DETAILS, id="x" * 9000).status_code == 414


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_query_needs_the_json_content_type(genesys: SimulatorClient, kind: str | None) -> None:
    """Another content type, or none, is 415 for a valid body."""
    body = b'{"interval": "2026-03-01T00:00:00Z/2026-03-02T00:00:00Z"}'
    answer = genesys.post(QUERY, data=body, headers={"Content-Type": kind} if kind else {})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported.media.type")
    assert genesys.post(QUERY, data=body, headers=JSON).json() == {"totalHits": 0}


def test_counters_exclude_the_control_api(genesys: SimulatorClient) -> None:
    """Errors and logins are counted, requests of /_sim are not."""
    genesys.sim("/faults", {"error_next": 1})
    for _ in range(3):
        genesys.get("/api/v2/organizations/me")
    genesys.login()
    state = genesys.sim()
    assert state["requests"] == {"all": 4, "api": 3, "token": 1}
    assert state["most_in_window"] == {"seconds": 60, "all": 4, "api": 3}
    assert state["by_path"] == {"GET /api/v2/organizations/me": 3, "POST /oauth/token": 1}
    assert state["by_status"] == {"200": 3, "500": 1}
    assert len(genesys.sim("/requests")["all"]) == 4


@settings(deadline=None)
@given(st.lists(st.integers(0, 200), max_size=40), st.integers(0, 80))
def test_max_in_window_is_exact(moments: list[int], seconds: int) -> None:
    """It equals the maximum of the counts from each request onwards."""
    counter = RequestCounter()
    for moment in sorted(moments):
        counter.add("request", moment)
    counted = [sum(first <= moment < first + seconds for moment in moments) for first in moments]
    assert counter.max_in_window(seconds) == max(counted, default=0)


def test_an_id_is_always_the_same_conversation(genesys: SimulatorClient) -> None:
    """The details are equal alone and in a multi-get, in capitals, and from another process."""
    first, *others = new_ids(5)
    alone = genesys.get(f"/api/v2/analytics/conversations/{first.upper()}/details").json()
    assert genesys.details(*others, first)[first] == alone
    with running("--seed", "7") as elsewhere:
        twin = SimulatorClient(elsewhere)
        twin.session.headers["Authorization"] = ""
        assert twin.login().details(first)[first] == alone
        twin.session.close()


def test_a_multi_get_takes_a_hundred_ids_in_both_forms(genesys: SimulatorClient) -> None:
    """Ids may be joined by commas or repeated; duplicates are returned once; 101 ids or a wrong one are 400."""
    ids = new_ids(100)
    assert set(genesys.details(*ids)) == set(ids)
    repeated = genesys.get(DETAILS, id=[ids[0], ids[1], ids[0]]).json()["conversations"]
    assert [each["conversationId"] for each in repeated] == ids[:2]
    for wrong in ([*ids, str(uuid4())], ["not-a-uuid", ids[0]], []):
        answer = genesys.get(DETAILS, id=",".join(wrong))
        assert (answer.status_code, answer.json()["status"]) == (400, 400)


def test_unknown_ids_are_left_out(genesys: SimulatorClient) -> None:
    """An unknown id is absent from a multi-get and 404 alone; without a known id `conversations` is absent."""
    known, unknown = new_ids(2)
    genesys.faults(unknown_ids=[unknown])
    assert set(genesys.details(known, unknown)) == {known}
    assert genesys.get(DETAILS, id=unknown).json() == {}
    for path in (f"/api/v2/analytics/conversations/{unknown}/details", f"/api/v2/conversations/{unknown}"):
        answer = genesys.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not.found")


def test_pii_lists_the_personal_strings_returned(genesys: SimulatorClient) -> None:
    """/_sim/pii has the strings of every returned version, and none of conversations that were not returned."""
    asked, other = new_ids(2)
    first = genesys.details(asked)[asked]
    genesys.sim(f"/conversations/{asked}/events", {"type": "corrected"})
    second = genesys.details(asked)[asked]
    genesys.add("2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z")
    strings = set(genesys.sim("/pii")["strings"])
    assert strings == personal_strings(first) | personal_strings(second)
    assert strings
    assert genesys.sim(f"/pii?id={other}")["strings"] == []


def test_integrations_can_be_replaced(genesys: SimulatorClient) -> None:
    """The list is filtered by type and state; the configuration has account, region, suffix and topics."""
    kind = "amazon-eventbridge-source"
    assert genesys.get("/api/v2/integrations", integrationType=kind).json()["total"] == 1
    wanted = [
        {"awsAccountId": "123456789012", "awsAccountRegion": "eu-west-1", "eventSourceSuffix": "a"},
        {"reportedState": "ERROR"},
        {"integrationType": "other"},
    ]
    genesys.sim("/integrations", wanted)
    assert genesys.get("/api/v2/integrations", integrationType=kind).json()["total"] == 2
    active = genesys.get("/api/v2/integrations", integrationType=kind, reportedState="active").json()
    (entity,) = active["entities"]
    assert entity["reportedState"]["code"] == "ACTIVE"
    configuration = genesys.get(f"/api/v2/integrations/{entity['id']}/config/current").json()
    assert configuration["properties"] == wanted[0] | {
        "eventFilter": ["v2.detail.events.conversation.{id}.customer.end"]
    }
    assert genesys.get(f"/api/v2/integrations/{uuid4()}").status_code == 404


@pytest.mark.parametrize(
    "query",
    [{"pageSize": -1}, {"pageSize": 0}, {"pageNumber": 0}, {"pageSize": "x"}, {"reportedState": "FOO"}],
)
def test_wrong_parameters_of_the_integrations_list_are_400(genesys: SimulatorClient, query: Json) -> None:
    """PageSize and pageNumber are 1 or more, reportedState is one of five."""
    answer = genesys.get("/api/v2/integrations", **query)
    assert (answer.status_code, answer.json()["status"]) == (400, 400)


def test_the_limits_are_those_of_the_platform_api(genesys: SimulatorClient) -> None:
    """They equal the setting rate_limit; any other namespace is 404."""
    genesys.faults(rate_limit=180)
    answer = genesys.get(f"{LIMITS}/platform.api").json()
    assert list(answer) == ["entities"]
    assert {each["key"]: each["value"] for each in answer["entities"]} == {
        "client.credentials.token.rate.per.minute": 180,
        "token.rate.per.minute": 180,
    }
    answer = genesys.get(f"{LIMITS}/foo")
    assert (answer.status_code, answer.json()["code"]) == (404, "not.found")


def test_the_manual_names_every_setting(genesys: SimulatorClient) -> None:
    """GET /_sim/help contains the name of every fault setting."""
    manual = genesys.get("/_sim/help").text
    assert [name for name in genesys.sim()["faults"] if name not in manual] == []
