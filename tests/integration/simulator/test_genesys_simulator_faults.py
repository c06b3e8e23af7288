"""The Genesys simulator misbehaves as it is told to, and its conversations settle and change."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
import requests

from deployments.sandbox.genesys import queries
from deployments.sandbox.genesys.server import application
from deployments.sandbox.genesys.simulator import Options, Simulator
from deployments.sandbox.genesys.tokens import CLIENT_ID, CLIENT_SECRET
from tests.integration.genesys_simulator import (
    DETAILS,
    GRANT,
    QUERY,
    Genesys,
    Json,
    new_ids,
    segments,
)

OWN_FORM = f"grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}".encode()


def _wrapped(details: Json) -> bool:
    return any(each["segmentType"] == "wrapup" for each in segments(details))


def test_conversations_settle(genesys: Genesys) -> None:
    """For a while after the first fetch there is neither an end nor a wrap-up; then there are."""
    genesys.faults(not_settled_for=3600)
    ids = new_ids(20)
    early = genesys.details(*ids)
    live = genesys.get(f"/api/v2/conversations/{ids[0]}").json()
    assert not any("conversationEnd" in details or _wrapped(details) for details in early.values())
    assert live["endTime"] is None
    genesys.faults(not_settled_for=0.01)
    time.sleep(0.02)
    settled = genesys.details(*ids)
    assert all("conversationEnd" in details for details in settled.values())
    assert any(_wrapped(details) for details in settled.values())


def test_settling_starts_again_with_an_announced_end(genesys: Genesys) -> None:
    """An end that is announced later counts instead of the first fetch."""
    (again,) = new_ids(1)
    genesys.details(again)
    time.sleep(1.1)
    genesys.faults(not_settled_for=1)
    assert "conversationEnd" in genesys.details(again)[again]
    genesys.sim(f"/conversations/{again}/events", {"type": "ended"})
    assert "conversationEnd" not in genesys.details(again)[again]
    genesys.faults(not_settled_for=0)
    assert "conversationEnd" in genesys.details(again)[again]


def test_some_ids_never_settle(genesys: Genesys) -> None:
    """not_settled_ids, in any case of letters, stay without an end; others are not affected."""
    first, second = new_ids(2)
    genesys.faults(not_settled_ids=[second.upper()])
    found = genesys.details(first, second)
    assert ["conversationEnd" in found[each] for each in (first, second)] == [True, False]


def test_ids_can_be_unknown_at_first(genesys: Genesys) -> None:
    """unknown_for hides an id from its first fetch on, from queries too."""
    genesys.faults(unknown_for=3600)
    (late,) = new_ids(1)
    day = "2026-01-15T00:00:00Z/2026-01-16T00:00:00Z"
    assert genesys.details(late) == {}
    assert genesys.find(day)["totalHits"] == 0
    genesys.faults(unknown_for=0.01)
    time.sleep(0.02)
    assert set(genesys.details(late)) == {late}
    assert genesys.find(day)["totalHits"] == 1


def test_a_conversation_ends_again(genesys: Genesys) -> None:
    """After it ended again it has a later end and another participant; the first ones are as they were."""
    (again,) = new_ids(1)
    before = genesys.details(again)[again]
    truth = genesys.sim(f"/conversations/{again}/events", {"type": "ended-again", "after_ms": 5000})
    after = genesys.details(again)[again]
    assert after == truth == genesys.sim(f"/conversations/{again}")
    assert after["conversationEnd"] > before["conversationEnd"]
    assert after["participants"][1 : len(before["participants"])] == before["participants"][1:]
    assert len(after["participants"]) == len(before["participants"]) + 1


def test_a_conversation_is_reopened_corrected_grown_changed_and_removed(genesys: Genesys) -> None:
    """Each of the other events does what the manual says."""
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


def test_errors_come_at_a_rate_that_repeats(genesys: Genesys) -> None:
    """With a seed the same requests fail each time, with the status asked for."""
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
def test_errors_have_genesys_codes(genesys: Genesys, status: int, code: str) -> None:
    """Whatever status is asked for, the body is what Genesys gives with it; a 429 says how long to wait."""
    genesys.faults(error_next=1, status=status, rate_window=45)
    answer = genesys.get("/api/v2/organizations/me")
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert answer.headers.get("Retry-After") == ("45" if status == 429 else None)
    assert ("[45] seconds" in body["message"]) == (status == 429)


def test_a_login_fails_in_its_own_words(genesys: Genesys) -> None:
    """400 and 401 of the login are no ErrorBody; what is wrong with Genesys itself is."""
    for status, key in ((400, "error"), (401, "error"), (503, "code")):
        genesys.faults(error_next=1, status=status)
        answer = genesys.post("/oauth/token", data=GRANT, auth=(CLIENT_ID, CLIENT_SECRET))
        assert (answer.status_code, key in answer.json()) == (status, True)


def test_faults_strike_logins_or_calls_as_told(genesys: Genesys) -> None:
    """strikes: token leaves the API alone, and the other way round."""
    genesys.faults(error_rate=1, strikes="token")
    assert genesys.get("/api/v2/organizations/me").status_code == 200
    assert genesys.post("/oauth/token", data=GRANT, auth=(CLIENT_ID, CLIENT_SECRET)).status_code == 500
    genesys.faults(strikes="api")
    assert genesys.get("/api/v2/organizations/me").status_code == 500
    assert genesys.post("/oauth/token", data=GRANT, auth=(CLIENT_ID, CLIENT_SECRET)).status_code == 200


def test_answers_can_be_late_or_never_come(genesys: Genesys) -> None:
    """Latency delays refusals too; timeout_rate hangs and then drops the connection."""
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


def test_a_client_that_gives_up_on_a_hanging_answer_blocks_nobody(genesys: Genesys) -> None:
    """While one request hangs for a minute, others are answered."""
    genesys.faults(timeout_rate=1, timeout_seconds=60)
    with pytest.raises(requests.Timeout):
        genesys.session.get(genesys.address + "/api/v2/organizations/me", timeout=0.2)
    genesys.faults(timeout_rate=0)
    assert genesys.get("/api/v2/organizations/me").status_code == 200


def test_bodies_can_break_off_or_be_html(genesys: Genesys) -> None:
    """Half a body breaks the connection; a wrong content type is a page that is no JSON."""
    genesys.faults(half_body_rate=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        genesys.details(*new_ids(2))
    genesys.faults(half_body_rate=0, wrong_content_type_rate=1)
    answer = genesys.get(DETAILS, id=new_ids(1))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")


def test_throttling_refuses_everything_for_a_time(genesys: Genesys) -> None:
    """429 with the wait asked for, to logins too; without a wait, the code that names none; then it ends."""
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


def test_one_id_can_spoil_a_multi_get(genesys: Genesys) -> None:
    """reject_ids answers 400 to whatever holds the id and does not say which; ids_max lowers the cap."""
    good, bad = new_ids(2)
    genesys.faults(reject_ids=[bad])
    answer = genesys.get(DETAILS, id=f"{good},{bad}")
    assert answer.status_code == 400
    assert bad not in answer.text
    assert set(genesys.details(good)) == {good}
    genesys.faults(reject_ids=[], ids_max=1)
    assert genesys.get(DETAILS, id=f"{good},{bad}").status_code == 400


def test_a_missing_permission_is_403(genesys: Genesys) -> None:
    """Only what needs the permission is refused, and the message names it."""
    genesys.faults(missing_permission="analytics:conversationDetail:view")
    answer = genesys.get(DETAILS, id=new_ids(1))
    assert (answer.status_code, answer.json()["code"]) == (403, "missing.any.permissions")
    assert "analytics:conversationDetail:view" in answer.json()["message"]
    assert genesys.get("/api/v2/integrations").status_code == 200


def test_genesys_clock_can_be_ahead(genesys: Genesys) -> None:
    """date_offset moves the Date header."""
    genesys.faults(date_offset=3600)
    date = parsedate_to_datetime(genesys.get("/api/v2/organizations/me").headers["Date"])
    assert 3590 < (date - datetime.now(UTC)).total_seconds() < 3610


@pytest.mark.parametrize(
    "wrong",
    [{"eror_rate": 1}, {"error_rate": 2}, {"unknown_ids": "x"}, {"throttle": {}}, {"latency": -1}, []],
)
def test_a_fault_that_is_none_is_refused(genesys: Genesys, wrong: Any) -> None:
    """A misspelt or impossible setting is 400 with the reason, and changes nothing."""
    before = genesys.sim()["faults"]
    answer = genesys.post("/_sim/faults", json=wrong)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert genesys.sim()["faults"] == before


async def test_a_bug_in_the_simulator_is_an_answer_and_loud(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is a counted ErrorBody 500 with every header, and its traceback is logged."""
    simulator = Simulator(Options())
    token = simulator.tokens.issue({}, OWN_FORM, simulator.now(), 60)["access_token"]
    monkeypatch.setattr(queries, "answer", lambda *_: 1 // 0)
    transport = httpx.ASGITransport(application(simulator), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://genesys") as client:
        body = {"interval": "2026-03-01T00:00:00Z/2026-03-02T00:00:00Z"}
        answer = await client.post(QUERY, json=body, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal.server.error")
    assert {"date", "inin-correlation-id", "inin-ratelimit-count"} <= set(answer.headers)
    assert simulator.statuses == {500: 1}
    assert "ZeroDivisionError" in caplog.text


def test_reset_forgets(genesys: Genesys) -> None:
    """Faults, counters and conversations are as at the start; the token still works."""
    genesys.details(*new_ids(2))
    genesys.faults(error_rate=1)
    genesys.sim("/reset", {})
    state = genesys.sim()
    assert (state["requests"]["all"], state["conversations"]["known"]) == (0, 0)
    assert state["faults"]["error_rate"] == 0
    assert genesys.get("/api/v2/organizations/me").status_code == 200
