"""The filters of the Genesys simulator's details query: what they find, and which are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.sandbox.genesys.control.faults import Faults
from deployments.sandbox.genesys.conversations.registry import Registry
from deployments.sandbox.genesys.http.errors import ApiError
from deployments.sandbox.genesys.queries.predicate_fields import CONVERSATION_FIELDS, SEGMENT_FIELDS
from deployments.sandbox.genesys.queries.query import parse_query, run_query
from tests.support.simulator import QUERY, Json, SimulatorClient, segments

DAY = "2026-03-01T00:00:00.000Z/2026-03-02T00:00:00.000Z"
CONVERSATION, SEGMENT = "conversationFilters", "segmentFilters"


def _filter(**predicate: Any) -> list[Json]:
    return [{"type": "and", "predicates": [predicate]}]


@pytest.mark.parametrize(
    ("name", "filters", "says"),
    [
        (CONVERSATION, "x", "conversationFilters must be a list"),
        (CONVERSATION, ["x"], "conversationFilters must be a list"),
        (CONVERSATION, [{}], "predicates"),
        (CONVERSATION, [{"type": "xor", "predicates": []}], "type"),
        (CONVERSATION, [{"type": ["and"], "predicates": []}], "type"),
        (CONVERSATION, [{"type": "and", "predicates": ["x"]}], "predicates"),
        (CONVERSATION, [{"type": "and", "predicates": {"a": 1}}], "predicates"),
        (CONVERSATION, [{"type": "and", "clauses": [5]}], "clauses"),
        (CONVERSATION, [{"type": "and", "clauses": [{"type": "and", "clauses": [{}]}]}], "clauses"),
        (CONVERSATION, [{"type": "and", "predicate": []}], "predicate"),
        (CONVERSATION, _filter(dimension=["a"]), "dimension"),
        (CONVERSATION, _filter(dimension="mood", operator="exists"), "mood"),
        (CONVERSATION, _filter(dimension="conferenceStart", operator="exists"), "conferenceStart"),
        (CONVERSATION, _filter(dimension="tTalk", operator="exists"), "tTalk"),
        (CONVERSATION, _filter(metric="conversationEnd", operator="exists"), "conversationEnd"),
        (CONVERSATION, _filter(operator="exists"), "dimension"),
        (CONVERSATION, _filter(dimension="conversationId", metric="tTalk", operator="exists"), "one of"),
        (CONVERSATION, _filter(type="metric", dimension="conversationId", operator="exists"), "type"),
        (CONVERSATION, _filter(type="mood", dimension="conversationId", operator="exists"), "type"),
        (CONVERSATION, _filter(property="x", operator="exists"), "property"),
        (CONVERSATION, _filter(dimension="conversationId", operator="like", value="a"), "operator"),
        (CONVERSATION, _filter(dimension="conversationId", operator=["matches"], value="a"), "operator"),
        (CONVERSATION, _filter(dimension="conversationId"), "value"),
        (CONVERSATION, _filter(dimension="conversationId", value=["a"]), "value"),
        (CONVERSATION, _filter(dimension="conversationStart", range={"gte": 5}), "range"),
        (CONVERSATION, _filter(metric="tConversationDuration", range={"gte": "x"}), "range"),
        (CONVERSATION, _filter(metric="tConversationDuration", range={"gte": True}), "range"),
        (CONVERSATION, _filter(metric="tConversationDuration", range={"over": 5}), "range"),
        (CONVERSATION, _filter(metric="tConversationDuration", range=[5]), "range"),
        (CONVERSATION, _filter(metric="tConversationDuration", range={}), "value"),
        (SEGMENT, _filter(dimension="sessionId", operator="exists"), "sessionId"),
        (SEGMENT, _filter(dimension="segmentStart", operator="exists"), "segmentStart"),
        (SEGMENT, _filter(metric="tTalk", operator="exists"), "tTalk"),
        (SEGMENT, _filter(property="x", propertyType="mood", operator="exists"), "propertyType"),
        (SEGMENT, _filter(dimension="queueId", op="exists"), "op"),
    ],
)
def test_a_wrong_filter_is_400(genesys: SimulatorClient, name: str, filters: Any, says: str) -> None:
    """The message names the field, with and without conversations in the interval."""
    for added in (0, 3):
        genesys.add("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", added)
        answer = genesys.post(QUERY, json={"interval": DAY, name: filters})
        assert answer.status_code == 400
        assert says in answer.json()["message"]
        assert answer.json()["contextId"] == answer.headers["ININ-Correlation-Id"]
        assert "inin-ratelimit-count" in answer.headers
    assert genesys.sim()["by_status"] == {"400": 2}


@pytest.mark.parametrize("name", ["evaluationFilters", "surveyFilters", "resolutionFilters", "aggregations"])
def test_filters_that_are_not_simulated_are_400(genesys: SimulatorClient, name: str) -> None:
    """The message says so; an empty list is accepted."""
    assert "not simulated" in _error_message(genesys, **{name: [{}]})
    assert genesys.find(DAY, **{name: []}) == {"totalHits": 0}


@pytest.mark.parametrize("name", ["groupBy", "metrics", "filter", "granularity"])
def test_fields_of_aggregate_queries_are_400(genesys: SimulatorClient, name: str) -> None:
    """The message names the field."""
    assert name in _error_message(genesys, **{name: ["x"]})


def _error_message(genesys: SimulatorClient, **body: Any) -> str:
    answer = genesys.post(QUERY, json={"interval": DAY, **body})
    assert answer.status_code == 400
    return str(answer.json()["message"])


def _added_details(genesys: SimulatorClient, count: int) -> list[Json]:
    added = genesys.add("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", count)
    return [genesys.sim(f"/conversations/{each}") for each in added]


def _total(details: Json, name: str) -> int | None:
    sessions = [session for each in details["participants"] for session in each["sessions"]]
    values = [each["value"] for s in sessions for each in s["metrics"] if each["name"] == name]
    return sum(values) if values else None


def test_metrics_are_summed_over_the_sessions(genesys: SimulatorClient) -> None:
    """A conversation's metric is the sum over its sessions; one that no session has is absent."""
    added = _added_details(genesys, 100)
    talks = sorted(talk for each in added if (talk := _total(each, "tTalk")) is not None)
    bound = talks[len(talks) // 2]
    within = _filter(type="metric", metric="tTalk", operator="matches", range={"gte": bound, "lt": talks[-1]})
    expected = sum(bound <= talk < talks[-1] for talk in talks)
    assert genesys.hits(DAY, conversationFilters=within) == expected
    for name in ("nTransferred", "tAbandon", "tVoicemail", "oMediaCount", "nConnected"):
        measured = sum(_total(each, name) is not None for each in added)
        for operator, hits in (("exists", measured), ("notExists", 100 - measured)):
            measured_by = _filter(metric=name, operator=operator)
            assert genesys.hits(DAY, conversationFilters=measured_by) == hits
    twice = sum(_total(each, "nConnected") == 2 for each in added)
    assert genesys.hits(DAY, conversationFilters=_filter(metric="nConnected", value="2")) == twice > 0


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_segments_are_filtered_by_dimension_duration_and_property(genesys: SimulatorClient) -> None:
    """One segment must pass; a list of ids matches if one of them does; so does a property."""
    added = _added_details(genesys, 100)
    skills = (skill for t in added for s in segments(t) for skill in s.get("requestedRoutingSkillIds", ()))
    skill = next(skills)
    expected = sum(any(skill in s.get("requestedRoutingSkillIds", ()) for s in segments(t)) for t in added)
    skilled = _filter(dimension="requestedRoutingSkillId", value=skill)
    assert genesys.hits(DAY, segmentFilters=skilled) == expected
    lengths = [max(_ms(s["segmentEnd"]) - _ms(s["segmentStart"]) for s in segments(t)) for t in added]
    bound = sorted(lengths)[50]
    long = _filter(type="metric", metric="tSegmentDuration", range={"gte": bound})
    assert genesys.hits(DAY, segmentFilters=long) == sum(each >= bound for each in lengths)
    own = {"type": "property", "property": "mediaType", "propertyType": "string"}
    assert genesys.hits(DAY, segmentFilters=_filter(**own, operator="exists")) == 0
    assert genesys.hits(DAY, segmentFilters=_filter(**own, operator="notExists")) == 100
    urgent = {"type": "property", "property": "priority", "propertyType": "integer", "value": "5"}
    expected = sum(any("properties" in s for s in segments(t)) for t in added)
    assert genesys.hits(DAY, segmentFilters=_filter(**urgent)) == expected > 0


def test_clauses_and_lists_combine(genesys: SimulatorClient) -> None:
    """Clauses combine with predicates; all filters of a list must hold; comparison ignores case."""
    added = _added_details(genesys, 60)
    voice = sum(
        any(s["mediaType"] == "voice" for p in t["participants"] for s in p["sessions"]) for t in added
    )
    media = [{"dimension": "mediaType", "value": each} for each in ("VOICE", "telepathy")]
    either = {"type": "or", "predicates": media}
    inside = {
        "type": "AND",
        "clauses": [either],
        "predicates": [{"dimension": "mediaType", "operator": "exists"}],
    }
    assert genesys.hits(DAY, segmentFilters=[either, inside]) == voice
    none = {"type": "and", "clauses": [either, {"type": "and", "predicates": media}]}
    assert genesys.hits(DAY, segmentFilters=[either, none]) == 0
    tagged = [{"type": "and", "predicates": [{"dimension": "externalTag", "operator": "exists"}]}]
    expected = sum("externalTag" in each for each in added)
    assert genesys.hits(DAY, conversationFilters=tagged) == expected


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
_NAMES = sorted(CONVERSATION_FIELDS.dimensions | CONVERSATION_FIELDS.metrics | SEGMENT_FIELDS.dimensions)


def _mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda luck: good if luck else _JSON)


_BOUNDS = st.dictionaries(st.sampled_from(["gt", "gte", "lt", "lte"]), st.integers(0, 10**6), max_size=2)
_PREDICATE = st.fixed_dictionaries(
    {"operator": _mostly(st.sampled_from(["matches", "exists", "notExists"]))},
    optional={
        "type": _mostly(st.sampled_from(["dimension", "metric", "property"])),
        "dimension": _mostly(st.sampled_from(_NAMES)),
        "metric": _mostly(st.sampled_from([*_NAMES, "tSegmentDuration"])),
        "value": _mostly(st.sampled_from(["voice", "1", "true"])),
        "range": _mostly(_BOUNDS),
    },
)
_FILTER = st.fixed_dictionaries(
    {"type": _mostly(st.sampled_from(["and", "or"])), "predicates": _mostly(st.lists(_PREDICATE, max_size=2))}
)
_QUERY = st.fixed_dictionaries(
    {"interval": _mostly(st.just("2026-01-15T00:00:00Z/2026-01-16T00:00:00Z"))},
    optional={
        CONVERSATION: _mostly(st.lists(_FILTER, max_size=2)),
        SEGMENT: _mostly(st.lists(_FILTER, max_size=2)),
        "paging": _mostly(st.fixed_dictionaries({"pageSize": _mostly(st.integers(-1, 200))})),
        "order": _mostly(st.sampled_from(["asc", "desc"])),
    },
)


def _status(registry: Registry, body: Any) -> int:
    try:
        run_query(registry, Faults(), 0.0, parse_query(body))
    except ApiError as error:
        return error.status
    return 200


@settings(deadline=None, max_examples=500)
@given(_mostly(_QUERY))
def test_any_body_gets_a_page_or_a_400(body: Any) -> None:
    """No body raises anything other than an ApiError with status 400."""
    registry = Registry(1_768_435_200_000)
    for number in range(3):
        registry.get(f"00000000-0000-4000-8000-{number:012d}")
    assert _status(registry, body) in (200, 400)
