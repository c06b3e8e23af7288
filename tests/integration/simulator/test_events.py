"""Events of the Genesys simulator's conversations: after any sequence of them the details are consistent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deployments.sandbox.genesys.control.faults import Faults
from deployments.sandbox.genesys.control.pii import personal_strings
from deployments.sandbox.genesys.conversations.registry import Registry
from deployments.sandbox.genesys.conversations.revisions import KINDS, parse_revision
from deployments.sandbox.genesys.conversations.timestamps import epoch_ms, timestamp
from tests.support.simulator import Json, SimulatorClient, new_ids, segments

EPOCH = 1_768_435_200_000
MOMENT = 1_768_500_000.0


def add_event(genesys: SimulatorClient, conversation_id: str, kind: str, **options: Any) -> Json:
    """Add an event to a conversation; its actual details after it."""
    details: Json = genesys.sim(f"/conversations/{conversation_id}/events", {"type": kind, **options})
    return details


def test_a_conversation_can_be_reopened_twice(genesys: SimulatorClient) -> None:
    """The second time nothing changes: the customer is still there."""
    (back,) = new_ids(1)
    once = add_event(genesys, back, "reopened")
    shown = genesys.details(back)
    assert add_event(genesys, back, "reopened") == once
    assert genesys.details(back) == shown


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"type": "ended-again", "after_ms": "soon"}, "ended-again: after_ms: expected a whole number"),
        ({"type": "reopened", "after_ms": -1}, "reopened: after_ms: expected a whole number"),
        ({"type": "ended-again", "after_ms": 10**18}, "ended-again: after_ms: expected a whole number"),
        ({"type": "grown", "bytes": 1.5}, "grown: bytes: expected a whole number"),
        ({"type": "changed", "changes": []}, "changed: changes: expected a JSON object"),
        ({"type": "changed", "changes": {"participants": None}}, "participants"),
        ({"type": "changed", "changes": {"conversationEnd": "never"}}, "conversationEnd"),
        ({"type": "changed", "changes": {"divisionIds": 5}}, "divisionIds: expected a list of strings"),
        ({"type": "reopened", "after": 5}, "reopened: no such field: after; there are after_ms"),
        ({"type": "removed", "bytes": 5}, "removed: no such field: bytes"),
        ({"type": ["ended"]}, "type: one of ended"),
        ({}, "type: one of ended"),
        ([], "expected a JSON object"),
    ],
)
def test_a_wrong_event_is_400_and_changes_nothing(genesys: SimulatorClient, wrong: Any, says: str) -> None:
    """The error names the field and what is expected; the details are as before."""
    same, other = new_ids(2)
    before = genesys.details(same, other)
    answer = genesys.post(f"/_sim/conversations/{same}/events", json=wrong)
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert genesys.details(same, other) == before


def test_an_announced_end_closes_a_reopened_conversation(genesys: SimulatorClient) -> None:
    """The new end is later than the first one, and a multi-get returns it."""
    (back,) = new_ids(1)
    first = genesys.details(back)[back]["conversationEnd"]
    add_event(genesys, back, "reopened")
    details = add_event(genesys, back, "ended")
    assert details["conversationEnd"] > first
    assert genesys.details(back)[back] == details


def test_a_correction_changes_metric_values(genesys: SimulatorClient) -> None:
    """Each correction changes values of existing metrics; none is added or removed."""
    for conversation_id, before in genesys.details(*new_ids(60)).items():
        seen = [_metrics(before)]
        for _ in range(3):
            seen.append(_metrics(add_event(genesys, conversation_id, "corrected")))
        assert len({str(each) for each in seen}) == 4
        assert len({tuple(name for name, _ in each) for each in seen}) == 1
        after = genesys.details(conversation_id)[conversation_id]
        assert ("mediaStatsMinConversationMos" in after) == ("mediaStatsMinConversationMos" in before)


def _metrics(details: Json) -> list[tuple[str, int]]:
    sessions = [session for each in details["participants"] for session in each["sessions"]]
    return [(each["name"], each["value"]) for session in sessions for each in session["metrics"]]


def test_optional_fields_can_be_removed(genesys: SimulatorClient) -> None:
    """Without divisions, or with a tag of another type, every endpoint still returns the conversation."""
    (bare,) = new_ids(1)
    add_event(genesys, bare, "changed", changes={"divisionIds": None, "externalTag": {"a": 1}})
    assert "divisionIds" not in genesys.details(bare)[bare]
    assert genesys.get(f"/api/v2/conversations/{bare}").json()["divisions"] == []
    assert genesys.sim(f"/pii?id={bare}")["strings"]


def _events() -> st.SearchStrategy[list[Json]]:
    after = st.fixed_dictionaries({}, optional={"after_ms": st.integers(0, 10**9)})
    changes = st.dictionaries(st.sampled_from(["externalTag", "divisionIds"]), st.none())
    event = st.one_of(
        after.map(lambda options: {"type": "ended-again", **options}),
        after.map(lambda options: {"type": "reopened", **options}),
        st.integers(0, 10**6).map(lambda back: {"type": "end-corrected", "earlier_ms": back}),
        st.integers(0, 5_000).map(lambda size: {"type": "grown", "bytes": size}),
        changes.map(lambda each: {"type": "changed", "changes": each}),
        st.sampled_from(["ended", "corrected", "left-open", "removed"]).map(lambda kind: {"type": kind}),
    )
    return st.lists(event, max_size=8)


@settings(deadline=None, max_examples=200)
@given(st.uuids(version=4).map(str), _events())
@example("00000000-0000-4000-8000-000000000001", [{"type": "reopened"}, {"type": "ended"}])
@example(
    "00000000-0000-4000-8000-000000000001", [{"type": "reopened"}, {"type": "ended-again", "after_ms": 0}]
)
@example("00000000-0000-4000-8000-000000000001", [{"type": "reopened"}, {"type": "grown"}, {"type": "ended"}])
def test_any_sequence_of_events_is_consistent(identifier: str, events: list[Json]) -> None:
    """Times are in order and between start and end; a segment is open only while there is no end."""
    registry, gone = Registry(EPOCH), False
    ends = [registry.actual(identifier)["conversationEnd"]]
    for event in events:
        details = registry.revise(identifier, parse_revision(event), MOMENT)
        _check(details)
        assert personal_strings(details)
        gone = gone or event["type"] == "removed"
        assert (registry.fetch(identifier, Faults(), MOMENT) is None) == gone
        ends.append(details.get("conversationEnd", ends[-1]))
        live = event["type"] in ("reopened", "left-open")
        assert not (live and "conversationEnd" in details)
        assert live or not event["type"].startswith("ended") or "conversationEnd" in details
        assert ends[-1] >= ends[-2] or event["type"] == "end-corrected"


def test_the_sequences_have_every_kind_of_event() -> None:
    """The kinds of the property above are all kinds."""
    assert set(KINDS) == {
        *("ended", "ended-again", "reopened", "corrected", "end-corrected", "left-open"),
        *("grown", "changed", "removed"),
    }


def _check(details: Json) -> None:
    start, end = _early(details["conversationStart"]), details.get("conversationEnd")
    for each in segments(details):
        assert start <= each["segmentStart"] <= each.get("segmentEnd", "9")
        assert end is None or each["segmentEnd"] <= end
    for session in (session for each in details["participants"] for session in each["sessions"]):
        starts = [each["segmentStart"] for each in session["segments"]]
        assert starts == sorted(starts)
        assert all(start <= each["emitDate"] and each["value"] >= 0 for each in session["metrics"])
    still = [each for each in segments(details) if "segmentEnd" not in each]
    assert len(still) <= (0 if end else 1)


def _early(start: str) -> str:
    """Return the earliest time at which the first segment of a conversation begins: some ms before its start."""
    return timestamp(epoch_ms(start) - 40)


def test_an_end_moves_back(genesys: SimulatorClient) -> None:
    """The new end is the earlier one, nothing lies after it, and the answer by id has it."""
    (corrected,) = new_ids(1)
    before = genesys.details(corrected)[corrected]
    after = add_event(genesys, corrected, "end-corrected", earlier_ms=1500)
    assert epoch_ms(before["conversationEnd"]) - epoch_ms(after["conversationEnd"]) == 1500
    assert max(each["segmentEnd"] for each in segments(after)) == after["conversationEnd"]
    assert genesys.details(corrected)[corrected] == after


def test_a_conversation_may_look_ended_without_an_end(genesys: SimulatorClient) -> None:
    """Every segment has an end, wrap-ups too, and a query for ended conversations does not find it."""
    day = "2026-03-01T00:00:00Z/2026-03-02T00:00:00Z"
    added = genesys.add("2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z", 30)
    wrapped = next(
        each
        for each in added
        if any(s["segmentType"] == "wrapup" for s in segments(genesys.sim(f"/conversations/{each}")))
    )
    before = genesys.details(wrapped)[wrapped]
    add_event(genesys, wrapped, "left-open")
    after = genesys.details(wrapped)[wrapped]
    assert after == {name: value for name, value in before.items() if name != "conversationEnd"}
    ended = [{"type": "dimension", "dimension": "conversationEnd", "operator": "exists"}]
    assert genesys.hits(day, conversationFilters=[{"type": "and", "predicates": ended}]) == 29
    assert add_event(genesys, wrapped, "ended")["conversationEnd"] > before["conversationEnd"]
