"""/_sim of the Genesys simulator: what it refuses, and how it says so."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from deployments.sandbox.genesys.process import running
from tests.integration.genesys_simulator import Genesys, fresh, new_ids


@pytest.mark.parametrize(
    ("path", "wrong", "says"),
    [
        ("reset", {"olny": ["faults"]}, "no such field: olny; there are only"),
        ("reset", {"only": "faults"}, "only: wanted some of"),
        ("reset", {"only": [["faults"]]}, "only: wanted some of"),
        ("conversations", {"strat": "2026-03-01"}, "no such field: strat; there are count, end, ids, start"),
        ("conversations", {"count": 1}, "start: wanted"),
        ("conversations", {"start": "2026-03-02", "end": "2026-03-01"}, "end: wanted a time after start"),
        ("conversations", {"start": "yesterday"}, "start: wanted a time"),
        ("conversations", {"start": 5}, "start: wanted a time"),
        ("conversations", {"start": "2026-03-02", "count": "three"}, "count: wanted a whole number"),
        ("conversations", {"start": "2026-03-02", "ids": "x"}, "ids: wanted a list of UUIDs"),
        ("conversations", {"start": "2026-03-02", "ids": ["x"]}, "ids: wanted a list of UUIDs"),
        ("integrations", [{"region": "eu-west-1"}], "no such field: region; there are awsAccountId"),
        ("integrations", [{"reportedState": "FOO"}], "reportedState: wanted one of ACTIVE"),
        ("integrations", [{"eventFilter": "topic"}], "eventFilter: wanted a list"),
        ("integrations", {}, "wanted a list"),
        ("faults", {"status": 418}, "status: wanted one of 400, 401"),
        ("faults", {"unknown_ids": ["x"]}, "unknown_ids: wanted a list of UUIDs"),
        ("faults", {"throttle": {"for_second": 5}}, "throttle: no such field: for_second"),
        ("faults", {"throttle": {"retry_after": 5}}, "throttle: for_seconds"),
        ("faults", {"error_next": True}, "error_next: wanted a whole number"),
        ("faults", {"missing_permission": [5]}, "missing_permission: wanted"),
        ("faults", {"revoke_tokens": True, "eror_rate": 1}, "no such field: eror_rate"),
    ],
)
def test_a_wrong_body_is_refused_by_name(genesys: Genesys, path: str, wrong: Any, says: str) -> None:
    """400 that names the key and what is wanted, and nothing has happened."""
    before = genesys.sim()
    answer = genesys.post(f"/_sim/{path}", json=wrong)
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert genesys.sim() == before


def test_ids_may_be_written_without_dashes(genesys: Genesys) -> None:
    """In every setting that names ids, and where conversations are added."""
    ids = new_ids(4)
    unknown, unsettled, refused, added = (UUID(each).hex.upper() for each in ids)
    genesys.faults(unknown_ids=[unknown], not_settled_ids=[unsettled], reject_ids=[refused])
    assert genesys.details(ids[0], ids[3]).keys() == {ids[3]}
    assert "conversationEnd" not in genesys.details(ids[1])[ids[1]]
    assert genesys.get("/api/v2/analytics/conversations/details", id=ids[2]).status_code == 400
    body = {"ids": [added], "start": "2026-03-01T00:00:00"}
    assert genesys.sim("/conversations", body)["ids"] == [ids[3]]


def test_times_without_a_zone_are_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the machine is: in /_sim and in queries."""
    monkeypatch.setenv("TZ", "America/New_York")
    with running() as elsewhere:
        genesys = next(fresh(elsewhere))
        (added,) = genesys.add("2026-03-01T00:00:00", "2026-03-01T00:00:00")
        assert genesys.sim(f"/conversations/{added}")["conversationStart"] == "2026-03-01T00:00:00.000Z"
        assert genesys.find("2026-03-01T00:00:00/2026-03-01T00:00:01")["totalHits"] == 1
        genesys.session.close()


def test_the_manual_says_what_surprises(genesys: Genesys) -> None:
    """Resetting counters opens rate windows; adding a known id makes it anew; some statuses only."""
    manual = " ".join(genesys.get("/_sim/help").text.split())
    assert "counters: also opens new rate windows" in manual
    assert "an id that is known is made anew" in manual
    (again,) = new_ids(1)
    genesys.sim(f"/conversations/{again}/events", {"type": "ended-again"})
    genesys.sim("/conversations", {"ids": [again], "start": "2026-03-01T00:00:00Z"})
    truth = genesys.sim(f"/conversations/{again}")
    other = genesys.sim("/conversations", {"ids": [again], "start": "2026-03-01T00:00:00Z"})
    assert other["ids"] == [again]
    assert truth == genesys.sim(f"/conversations/{again}")
