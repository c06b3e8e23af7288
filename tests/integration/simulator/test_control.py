"""/_sim of the Genesys simulator: validation of its bodies, ids and times."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from deployments.sandbox.genesys.process import running
from tests.support.simulator import SimulatorClient, new_ids, reset_client


@pytest.mark.parametrize(
    ("path", "wrong", "says"),
    [
        ("reset", {"olny": ["faults"]}, "no such field: olny; there are only"),
        ("reset", {"only": "faults"}, "only: expected some of"),
        ("reset", {"only": [["faults"]]}, "only: expected some of"),
        ("conversations", {"strat": "2026-03-01"}, "no such field: strat; there are count, end, ids, start"),
        ("conversations", {"count": 1}, "start: expected"),
        ("conversations", {"start": "2026-03-02", "end": "2026-03-01"}, "end: expected a time after start"),
        ("conversations", {"start": "yesterday"}, "start: expected a time"),
        ("conversations", {"start": 5}, "start: expected a time"),
        ("conversations", {"start": "2026-03-02", "count": "three"}, "count: expected a whole number"),
        ("conversations", {"start": "2026-03-02", "ids": "x"}, "ids: expected a list of UUIDs"),
        ("conversations", {"start": "2026-03-02", "ids": ["x"]}, "ids: expected a list of UUIDs"),
        ("integrations", [{"region": "eu-west-1"}], "no such field: region; there are activatingFor"),
        ("integrations", [{"reportedState": "FOO"}], "reportedState: expected one of ACTIVE"),
        ("integrations", [{"eventFilter": "topic"}], "eventFilter: expected a list"),
        ("integrations", {}, "expected a list"),
        ("faults", {"status": 418}, "status: expected one of 400, 401"),
        ("faults", {"unknown_ids": ["x"]}, "unknown_ids: expected a list of UUIDs"),
        ("faults", {"throttle": {"for_second": 5}}, "throttle: no such field: for_second"),
        ("faults", {"throttle": {"retry_after": 5}}, "throttle: for_seconds"),
        ("faults", {"error_next": True}, "error_next: expected a whole number"),
        ("faults", {"missing_permission": [5]}, "missing_permission: expected"),
        ("faults", {"revoke_tokens": True, "eror_rate": 1}, "no such field: eror_rate"),
    ],
)
def test_a_wrong_body_is_400_and_names_the_field(
    genesys: SimulatorClient, path: str, wrong: Any, says: str
) -> None:
    """The error says what is expected, and the state is unchanged."""
    before = genesys.sim()
    answer = genesys.post(f"/_sim/{path}", json=wrong)
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert genesys.sim() == before


def test_ids_may_be_written_without_dashes(genesys: SimulatorClient) -> None:
    """They are accepted in every setting with ids, and when conversations are added."""
    ids = new_ids(4)
    unknown, unsettled, refused, added = (UUID(each).hex.upper() for each in ids)
    genesys.faults(unknown_ids=[unknown], not_settled_ids=[unsettled], reject_ids=[refused])
    assert genesys.details(ids[0], ids[3]).keys() == {ids[3]}
    assert "conversationEnd" not in genesys.details(ids[1])[ids[1]]
    assert genesys.get("/api/v2/analytics/conversations/details", id=ids[2]).status_code == 400
    body = {"ids": [added], "start": "2026-03-01T00:00:00"}
    assert genesys.sim("/conversations", body)["ids"] == [ids[3]]


def test_times_without_a_zone_are_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the process's time zone, in /_sim and in queries."""
    monkeypatch.setenv("TZ", "America/New_York")
    with running() as elsewhere:
        genesys = next(reset_client(elsewhere))
        (added,) = genesys.add("2026-03-01T00:00:00", "2026-03-01T00:00:00")
        assert genesys.sim(f"/conversations/{added}")["conversationStart"] == "2026-03-01T00:00:00.000Z"
        assert genesys.hits("2026-03-01T00:00:00/2026-03-01T00:00:01") == 1
        genesys.session.close()


def test_the_manual_describes_side_effects(genesys: SimulatorClient) -> None:
    """It says that a reset of counters opens rate windows, and that adding a known id replaces it, as it does."""
    manual = " ".join(genesys.get("/_sim/help").text.split())
    assert "counters: also opens new rate windows" in manual
    assert "a known id is replaced" in manual
    (again,) = new_ids(1)
    genesys.sim(f"/conversations/{again}/events", {"type": "ended-again"})
    genesys.sim("/conversations", {"ids": [again], "start": "2026-03-01T00:00:00Z"})
    details = genesys.sim(f"/conversations/{again}")
    other = genesys.sim("/conversations", {"ids": [again], "start": "2026-03-01T00:00:00Z"})
    assert other["ids"] == [again]
    assert details == genesys.sim(f"/conversations/{again}")
