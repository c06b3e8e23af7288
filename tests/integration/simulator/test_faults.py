"""The Genesys simulator's faults, and how its conversations settle and change."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
import requests

from deployments.sandbox.genesys.control.faults import Faults
from deployments.sandbox.genesys.conversations.registry import Registry
from deployments.sandbox.genesys.conversations.revisions import parse_revision
from deployments.sandbox.genesys.http import endpoints
from deployments.sandbox.genesys.http.server import application
from deployments.sandbox.genesys.http.tokens import CLIENT_ID, CLIENT_SECRET
from deployments.sandbox.genesys.simulator import Simulator, SimulatorOptions
from tests.support.simulator import (
    DETAILS,
    GRANT,
    QUERY,
    Json,
    SimulatorClient,
    new_ids,
    segments,
)

LOGIN_FORM = f"grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}".encode()


def _has_wrap_up(details: Json) -> bool:
    return any(each["segmentType"] == "wrapup" for each in segments(details))


def test_conversations_settle(genesys: SimulatorClient) -> None:
    """For not_settled_for after the first fetch there is no end and no wrap-up."""
    genesys.faults(not_settled_for=3600)
    ids = new_ids(20)
    early = genesys.details(*ids)
    live = genesys.get(f"/api/v2/conversations/{ids[0]}").json()
    assert not any("conversationEnd" in details or _has_wrap_up(details) for details in early.values())
    assert live["endTime"] is None
    genesys.faults(not_settled_for=0.01)
    time.sleep(0.02)
    settled = genesys.details(*ids)
    assert all("conversationEnd" in details for details in settled.values())
    assert any(_has_wrap_up(details) for details in settled.values())


def test_settling_starts_again_with_an_announced_end() -> None:
    """not_settled_for counts from an announced end instead of the first fetch."""
    (again,) = new_ids(1)
    registry, faults, began = Registry(1_768_435_200_000), Faults(not_settled_for=60), 1_768_500_000.0

    def is_settled(seconds: float) -> bool:
        return "conversationEnd" in (registry.fetch(again, faults, began + seconds) or {})

    assert [is_settled(0), is_settled(59), is_settled(61)] == [False, False, True]
    registry.revise(again, parse_revision({"type": "ended"}), began + 100)
    assert [is_settled(101), is_settled(159), is_settled(161)] == [False, False, True]


def test_not_settled_ids_stay_live(genesys: SimulatorClient) -> None:
    """They have no end, also when given in capitals; others are not affected."""
    first, second = new_ids(2)
    genesys.faults(not_settled_ids=[second.upper()])
    found = genesys.details(first, second)
    assert ["conversationEnd" in found[each] for each in (first, second)] == [True, False]


def test_ids_can_be_unknown_at_first(genesys: SimulatorClient) -> None:
    """unknown_for hides an id after its first fetch, from queries too."""
    genesys.faults(unknown_for=3600)
    (late,) = new_ids(1)
    day = "2026-01-15T00:00:00Z/2026-01-16T00:00:00Z"
    assert genesys.details(late) == {}
    assert genesys.hits(day) == 0
    genesys.faults(unknown_for=0.01)
    time.sleep(0.02)
    assert set(genesys.details(late)) == {late}
    assert genesys.hits(day) == 1


def test_a_conversation_ends_again(genesys: SimulatorClient) -> None:
    """It has a later end and one more participant; the others are unchanged."""
    (again,) = new_ids(1)
    before = genesys.details(again)[again]
    actual = genesys.sim(f"/conversations/{again}/events", {"type": "ended-again", "after_ms": 5000})
    after = genesys.details(again)[again]
    assert after == actual == genesys.sim(f"/conversations/{again}")
    assert after["conversationEnd"] > before["conversationEnd"]
    pairs = zip(before["participants"], after["participants"], strict=False)
    assert sum(ours != theirs for ours, theirs in pairs) == 1
    assert len(after["participants"]) == len(before["participants"]) + 1


def test_a_conversation_is_reopened_corrected_grown_changed_and_removed(genesys: SimulatorClient) -> None:
    """Each of the other events changes what the manual says."""
    reopened, corrected, grown, changed, removed = ids = new_ids(5)
    before = genesys.details(*ids)
    for conversation_id, kind in zip(
        ids, ("reopened", "corrected", "grown", "changed", "removed"), strict=True
    ):
        more: Json = {"changes": {"externalTag": "tag", "divisionIds": None}} if kind == "changed" else {}
        genesys.sim(f"/conversations/{conversation_id}/events", {"type": kind, **more})
    after = genesys.details(*ids)
    assert "conversationEnd" not in after[reopened]
    assert after[corrected] != before[corrected]
    assert after[corrected]["conversationEnd"] == before[corrected]["conversationEnd"]
    assert len(str(after[grown])) > 400_000
    assert after[changed]["externalTag"] == "tag"
    assert "divisionIds" not in after[changed]
    assert removed not in after


def test_random_errors_repeat_with_a_seed(genesys: SimulatorClient) -> None:
    """With the same seed the same requests fail, with the status that was set."""
    runs = []
    for _ in range(2):
        genesys.faults(error_rate=0.3, status=503, seed=5)
        runs.append([genesys.get("/api/v2/organizations/me").status_code for _ in range(40)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 503}
    assert genesys.sim()["faults_struck"]["error"] == runs[0].count(503) * 2


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "bad.request"),
        (401, "bad.credentials"),
        (403, "not.authorized"),
        (404, "not.found"),
        (408, "client.timeout"),
        (409, "request.conflict"),
        (413, "request.entity.too.large"),
        (415, "unsupported.media.type"),
        (429, "too.many.requests.retry.after"),
        (500, "internal.server.error"),
        (503, "service.unavailable"),
        (504, "request.timeout"),
    ],
)
def test_errors_have_genesys_codes(genesys: SimulatorClient, status: int, code: str) -> None:
    """Each status has Genesys's code; a 429 says how long to wait."""
    genesys.faults(error_next=1, status=status, rate_window=45)
    answer = genesys.get("/api/v2/organizations/me")
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert answer.headers.get("Retry-After") == ("45" if status == 429 else None)
    assert ("[45] seconds" in body["message"]) == (status == 429)


def test_injected_login_errors_have_the_logins_body(genesys: SimulatorClient) -> None:
    """Its 400 and 401 have `error`; a 503 is an ErrorBody."""
    for status, key in ((400, "error"), (401, "error"), (503, "code")):
        genesys.faults(error_next=1, status=status)
        answer = genesys.post("/oauth/token", data=GRANT, auth=(CLIENT_ID, CLIENT_SECRET))
        assert (answer.status_code, key in answer.json()) == (status, True)


def test_strikes_selects_logins_or_api_requests(genesys: SimulatorClient) -> None:
    """With token the API gets no errors, with api the login gets none."""
    genesys.faults(error_rate=1, strikes="token")
    assert genesys.get("/api/v2/organizations/me").status_code == 200
    assert genesys.post("/oauth/token", data=GRANT, auth=(CLIENT_ID, CLIENT_SECRET)).status_code == 500
    genesys.faults(strikes="api")
    assert genesys.get("/api/v2/organizations/me").status_code == 500
    assert genesys.post("/oauth/token", data=GRANT, auth=(CLIENT_ID, CLIENT_SECRET)).status_code == 200


def test_latency_and_timeouts(genesys: SimulatorClient) -> None:
    """Latency delays errors too; timeout_rate hangs, then closes the connection."""
    genesys.faults(latency=[0.15, 0.2])
    began = time.monotonic()
    assert genesys.get("/api/v2/organizations/me").status_code == 200
    assert time.monotonic() - began >= 0.15
    genesys.faults(revoke_tokens=True)
    began = time.monotonic()
    assert genesys.get("/api/v2/organizations/me").status_code == 401
    assert time.monotonic() - began >= 0.15
    genesys.login()
    genesys.faults(latency=0, timeout_rate=1, timeout_seconds=0.2)
    with pytest.raises(requests.ConnectionError):
        genesys.get("/api/v2/organizations/me")


def test_a_request_is_counted_when_it_has_travelled(genesys: SimulatorClient) -> None:
    """With travel it comes later, not its answer alone."""
    genesys.faults(travel=0.3)
    began = time.time()
    assert genesys.get("/api/v2/organizations/me").status_code == 200
    assert genesys.session.get(f"{genesys.address}/_sim/requests").json()["api"][-1] >= began + 0.29


def test_a_hanging_request_does_not_block_others(genesys: SimulatorClient) -> None:
    """While one request hangs for a minute, others get a response."""
    genesys.faults(timeout_rate=1, timeout_seconds=60)
    with pytest.raises(requests.Timeout):
        genesys.session.get(genesys.address + "/api/v2/organizations/me", timeout=0.2)
    genesys.faults(timeout_rate=0)
    assert genesys.get("/api/v2/organizations/me").status_code == 200


def test_half_bodies_and_wrong_content_types(genesys: SimulatorClient) -> None:
    """Half a body breaks the connection; a wrong content type is an HTML page with status 200."""
    genesys.faults(half_body_rate=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        genesys.details(*new_ids(2))
    genesys.faults(half_body_rate=0, wrong_content_type_rate=1)
    answer = genesys.get(DETAILS, id=new_ids(1))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")


def test_throttle_is_429_for_every_request_for_a_time(genesys: SimulatorClient) -> None:
    """With the wait that was set, for logins too; without one the code is another; then it ends."""
    genesys.faults(throttle={"retry_after": 3600, "for_seconds": 60})
    answer = genesys.get("/api/v2/organizations/me")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")
    assert genesys.post("/oauth/token", data=GRANT, auth=(CLIENT_ID, CLIENT_SECRET)).status_code == 429
    genesys.faults(throttle={"retry_after": 3600, "for_seconds": 0.01})
    time.sleep(0.02)
    assert genesys.get("/api/v2/organizations/me").status_code == 200
    genesys.faults(throttle={"retry_after": None, "for_seconds": 60})
    answer = genesys.get("/api/v2/organizations/me")
    assert (answer.json()["code"], "Retry-After" in answer.headers) == ("too.many.requests", False)
    genesys.faults(throttle=None)
    assert genesys.get("/api/v2/organizations/me").status_code == 200


def test_reject_ids_and_ids_max(genesys: SimulatorClient) -> None:
    """A multi-get with a rejected id is 400 and does not name it; ids_max lowers the maximum."""
    good, bad = new_ids(2)
    genesys.faults(reject_ids=[bad])
    answer = genesys.get(DETAILS, id=f"{good},{bad}")
    assert answer.status_code == 400
    assert bad not in answer.text
    assert set(genesys.details(good)) == {good}
    genesys.faults(reject_ids=[], ids_max=1)
    assert genesys.get(DETAILS, id=f"{good},{bad}").status_code == 400


def test_an_answer_may_have_no_end(genesys: SimulatorClient) -> None:
    """A multi-get with such an id is 100 MB, whose gzip has less than one; the others are answered."""
    good, bad = new_ids(2)
    genesys.faults(endless_ids=[bad])
    answer = genesys.get(DETAILS, id=f"{good},{bad}")
    assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, "gzip")
    assert int(answer.headers["Content-Length"]) < 1_000_000
    assert len(answer.content) == 100_000_000
    assert set(genesys.details(good)) == {good}


def test_an_answer_may_be_too_large(genesys: SimulatorClient) -> None:
    """413 of a query and 400 of any other, each with Genesys's code; less at once is answered."""
    ids = genesys.add("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", 40)
    genesys.faults(response_bytes_max=100_000)
    day = "2026-03-01T00:00:00Z/2026-03-02T00:00:00Z"
    answer = genesys.post(QUERY, json={"interval": day, "paging": {"pageSize": 40}})
    assert (answer.status_code, answer.json()["code"]) == (413, "payload.too.large")
    assert len(genesys.find(day, paging={"pageSize": 3})["conversations"]) == 3
    answer = genesys.get(DETAILS, id=",".join(ids))
    assert (answer.status_code, answer.json()["code"]) == (400, "response.entity.too.large")
    assert len(genesys.details(*ids[:3])) == 3
    assert genesys.sim()["faults_struck"] == {"response_too_large": 2}


def test_a_replica_may_lag(genesys: SimulatorClient) -> None:
    """Its answer is the one before the last event, or, without an event, the one before the end; its Date is new."""
    plain, revised, gone = ids = new_ids(3)
    before = genesys.details(*ids)
    genesys.sim(f"/conversations/{revised}/events", {"type": "corrected"})
    genesys.sim(f"/conversations/{gone}/events", {"type": "removed"})
    genesys.faults(stale_rate=1)
    stale = genesys.details(*ids)
    assert "conversationEnd" not in stale[plain]
    assert stale[revised] == before[revised]
    assert stale[gone] == before[gone]
    genesys.faults(stale_rate=0)
    newest = genesys.details(*ids)
    assert newest[plain] == before[plain]
    assert newest[revised] != before[revised]
    assert gone not in newest
    genesys.faults(stale_rate=0.5, seed=1)
    seen = {"conversationEnd" in genesys.details(plain)[plain] for _ in range(40)}
    assert seen == {True, False}


def test_a_missing_permission_is_403(genesys: SimulatorClient) -> None:
    """Only endpoints that need the permission are refused; the message names it."""
    genesys.faults(missing_permission="analytics:conversationDetail:view")
    answer = genesys.get(DETAILS, id=new_ids(1))
    assert (answer.status_code, answer.json()["code"]) == (403, "missing.any.permissions")
    assert "analytics:conversationDetail:view" in answer.json()["message"]
    assert genesys.get("/api/v2/integrations").status_code == 200


def test_genesys_clock_can_be_ahead(genesys: SimulatorClient) -> None:
    """date_offset shifts the Date header."""
    genesys.faults(date_offset=3600)
    before = datetime.now(UTC).replace(microsecond=0)
    date = parsedate_to_datetime(genesys.get("/api/v2/organizations/me").headers["Date"])
    assert before <= date - timedelta(hours=1) <= datetime.now(UTC)


@pytest.mark.parametrize(
    "wrong",
    [{"eror_rate": 1}, {"error_rate": 2}, {"unknown_ids": "x"}, {"throttle": {}}, {"latency": -1}, []],
)
def test_a_wrong_fault_setting_is_400(genesys: SimulatorClient, wrong: Any) -> None:
    """A misspelt or impossible setting has an error and changes nothing."""
    before = genesys.sim()["faults"]
    answer = genesys.post("/_sim/faults", json=wrong)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert genesys.sim()["faults"] == before


async def test_an_internal_error_is_a_logged_500(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted, has an ErrorBody and every header, and its traceback is logged."""
    simulator = Simulator(SimulatorOptions())
    token = simulator.tokens.issue({}, LOGIN_FORM, simulator.now(), 60)["access_token"]
    monkeypatch.setattr(endpoints, "run_query", lambda *_: 1 // 0)
    transport = httpx.ASGITransport(application(simulator), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://genesys") as client:
        body = {"interval": "2026-03-01T00:00:00Z/2026-03-02T00:00:00Z"}
        answer = await client.post(QUERY, json=body, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal.server.error")
    assert {"date", "inin-correlation-id", "inin-ratelimit-count"} <= set(answer.headers)
    assert simulator.statuses == {500: 1}
    assert "ZeroDivisionError" in caplog.text


def test_reset_restores_the_initial_state(genesys: SimulatorClient) -> None:
    """Faults, counters and conversations are as at the start; the token is still valid."""
    genesys.details(*new_ids(2))
    genesys.faults(error_rate=1)
    genesys.sim("/reset", {})
    state = genesys.sim()
    assert (state["requests"]["all"], state["conversations"]["known"]) == (0, 0)
    assert state["faults"]["error_rate"] == 0
    assert genesys.get("/api/v2/organizations/me").status_code == 200
