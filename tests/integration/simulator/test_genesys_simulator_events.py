"""What happens to conversations of the Genesys simulator: whatever the order, they stay possible ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deployments.sandbox.genesys.faults import Faults
from deployments.sandbox.genesys.personal import personal_strings
from deployments.sandbox.genesys.registry import Registry
from deployments.sandbox.genesys.revisions import KINDS, requested
from tests.integration.genesys_simulator import Genesys, Json, new_ids, segments

EPOCH = 1_768_435_200_000
MOMENT = 1_768_500_000.0


def happen(genesys: Genesys, conversation_id: str, kind: str, **options: Any) -> Json:
    """The truth after something happened to a conversation."""
    truth: Json = genesys.sim(f"/conversations/{conversation_id}/events", {"type": kind, **options})
    return truth


def test_a_conversation_can_be_reopened_twice(genesys: Genesys) -> None:
    """Who is still there cannot come back: the second time nothing changes, and nothing breaks."""
    (back,) = new_ids(1)
    once = happen(genesys, back, "reopened")
    shown = genesys.details(back)
    assert happen(genesys, back, "reopened") == once
    assert genesys.details(back) == shown


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"type": "ended-again", "after_ms": "soon"}, "ended-again: after_ms: wanted a whole number"),
        ({"type": "reopened", "after_ms": -1}, "reopened: after_ms: wanted a whole number"),
        ({"type": "ended-again", "after_ms": 10**18}, "ended-again: after_ms: wanted a whole number"),
        ({"type": "grown", "bytes": 1.5}, "grown: bytes: wanted a whole number"),
        ({"type": "changed", "changes": []}, "changed: changes: wanted a JSON object"),
        ({"type": "changed", "changes": {"participants": None}}, "participants"),
        ({"type": "changed", "changes": {"conversationEnd": "never"}}, "conversationEnd"),
        ({"type": "changed", "changes": {"divisionIds": 5}}, "divisionIds: wanted a list of strings"),
        ({"type": "reopened", "after": 5}, "reopened: no such field: after; there are after_ms"),
        ({"type": "removed", "bytes": 5}, "removed: no such field: bytes"),
        ({"type": ["ended"]}, "type: one of ended"),
        ({}, "type: one of ended"),
        ([], "wanted a JSON object"),
    ],
)
def test_an_event_that_is_none_changes_nothing(genesys: Genesys, wrong: Any, says: str) -> None:
    """400 with the field and what is wanted; the conversation is shown as before, alone and with others."""
    same, other = new_ids(2)
    before = genesys.details(same, other)
    answer = genesys.post(f"/_sim/conversations/{same}/events", json=wrong)
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert genesys.details(same, other) == before


def test_an_announced_end_is_shown(genesys: Genesys) -> None:
    """A customer who came back and whose end is announced has left: the new end is later than the first."""
    (back,) = new_ids(1)
    first = genesys.details(back)[back]["conversationEnd"]
    happen(genesys, back, "reopened")
    truth = happen(genesys, back, "ended")
    assert truth["conversationEnd"] > first
    assert genesys.details(back)[back] == truth


def test_a_correction_changes_what_was_measured(genesys: Genesys) -> None:
    """Each correction changes the value of metrics that were there; none is added, none goes."""
    for conversation_id, before in genesys.details(*new_ids(60)).items():
        seen = [_metrics(before)]
        for _ in range(3):
            seen.append(_metrics(happen(genesys, conversation_id, "corrected")))
        assert len({str(each) for each in seen}) == 4
        assert len({tuple(name for name, _ in each) for each in seen}) == 1
        after = genesys.details(conversation_id)[conversation_id]
        assert ("mediaStatsMinConversationMos" in after) == ("mediaStatsMinConversationMos" in before)


def _metrics(details: Json) -> list[tuple[str, int]]:
    sessions = [session for each in details["participants"] for session in each["sessions"]]
    return [(each["name"], each["value"]) for session in sessions for each in session["metrics"]]


def test_a_conversation_can_lose_any_field_that_is_optional(genesys: Genesys) -> None:
    """Without divisions or with a tag of another kind it is still shown everywhere."""
    (bare,) = new_ids(1)
    happen(genesys, bare, "changed", changes={"divisionIds": None, "externalTag": {"a": 1}})
    assert "divisionIds" not in genesys.details(bare)[bare]
    assert genesys.get(f"/api/v2/conversations/{bare}").json()["divisions"] == []
    assert genesys.sim(f"/pii?id={bare}")["strings"]


def _events() -> st.SearchStrategy[list[Json]]:
    after = st.fixed_dictionaries({}, optional={"after_ms": st.integers(0, 10**9)})
    changes = st.dictionaries(st.sampled_from(["externalTag", "divisionIds"]), st.none())
    event = st.one_of(
        after.map(lambda options: {"type": "ended-again", **options}),
        after.map(lambda options: {"type": "reopened", **options}),
        st.integers(0, 5_000).map(lambda size: {"type": "grown", "bytes": size}),
        changes.map(lambda each: {"type": "changed", "changes": each}),
        st.sampled_from(["ended", "corrected", "removed"]).map(lambda kind: {"type": kind}),
    )
    return st.lists(event, max_size=8)


@settings(deadline=None, max_examples=200)
@given(st.uuids(version=4).map(str), _events())
@example("00000000-0000-4000-8000-000000000001", [{"type": "reopened"}, {"type": "ended"}])
@example(
    "00000000-0000-4000-8000-000000000001", [{"type": "reopened"}, {"type": "ended-again", "after_ms": 0}]
)
@example("00000000-0000-4000-8000-000000000001", [{"type": "reopened"}, {"type": "grown"}, {"type": "ended"}])
def test_any_sequence_of_events_makes_a_possible_conversation(identifier: str, events: list[Json]) -> None:
    """Times are in order, all lies between start and end, and when there is an end nothing is open."""
    registry, gone = Registry(EPOCH), False
    ends = [registry.truth(identifier)["conversationEnd"]]
    for event in events:
        truth = registry.revise(identifier, requested(event), MOMENT)
        _check(truth)
        assert personal_strings(truth)
        gone = gone or event["type"] == "removed"
        assert (registry.view(identifier, Faults(), MOMENT) is None) == gone
        ends.append(truth.get("conversationEnd", ends[-1]))
        live = event["type"] == "reopened"
        assert not (live and "conversationEnd" in truth)
        assert live or not event["type"].startswith("ended") or "conversationEnd" in truth
    assert ends == sorted(ends)


def test_every_kind_of_event_is_in_the_sequences() -> None:
    """The property above is about all of them."""
    assert set(KINDS) == {"ended", "ended-again", "reopened", "corrected", "grown", "changed", "removed"}


def _check(details: Json) -> None:
    start, end = details["conversationStart"], details.get("conversationEnd")
    for each in segments(details):
        assert start <= each["segmentStart"] <= each.get("segmentEnd", "9")
        assert end is None or each["segmentEnd"] <= end
    for session in (session for each in details["participants"] for session in each["sessions"]):
        starts = [each["segmentStart"] for each in session["segments"]]
        assert starts == sorted(starts)
        assert all(start <= each["emitDate"] and each["value"] >= 0 for each in session["metrics"])
    still = [each for each in segments(details) if "segmentEnd" not in each]
    assert len(still) == (0 if end else 1)
