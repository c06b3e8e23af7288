"""Predicates: the filters of a details query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from deployments.sandbox.genesys.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.sandbox.genesys.scene import Json

CONVERSATION_DIMENSIONS = frozenset({
    "conversationId", "conversationStart", "conversationEnd", "conferenceStart", "conversationInitiator",
    "divisionId", "externalTag", "originatingDirection", "selfServed", "mediaStatsMinConversationMos",
    "mediaStatsMinConversationRFactor", "tConversationDuration",
})  # fmt: skip
SEGMENT_DIMENSIONS = frozenset({
    "addressFrom", "addressTo", "ani", "direction", "disconnectType", "dnis", "externalContactId", "flowId",
    "mediaType", "messageType", "outboundCampaignId", "outboundContactId", "outboundContactListId",
    "participantName", "provider", "purpose", "queueId", "remote", "segmentEnd", "segmentStart",
    "segmentType", "sessionId", "subject", "teamId", "usedRouting", "userId", "wrapUpCode", "wrapUpNote",
})  # fmt: skip
OPERATORS = frozenset({"matches", "exists", "notExists"})
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


class Dimensions(Protocol):
    """A conversation that can be asked for its dimensions."""

    def dimension(self, name: str) -> Any:
        """Return a dimension's value."""

    def details(self) -> Json:
        """Return the whole."""


def passes(candidate: Dimensions, conversation_filters: list[Json], segment_filters: list[Json]) -> bool:
    """Return whether a conversation passes every filter; a segment filter wants one segment that does."""
    for each in conversation_filters:
        if not _filter(each, candidate.dimension, CONVERSATION_DIMENSIONS):
            return False
    if not segment_filters:
        return True
    contexts = _contexts(candidate.details())
    return all(any(_filter(each, c.get, SEGMENT_DIMENSIONS) for c in contexts) for each in segment_filters)


def _contexts(details: Json) -> list[Json]:
    """Return every segment together with what its session and its participant say."""
    return [
        {**participant, **session, **session.get("flow", {}), **segment}
        for participant in details["participants"]
        for session in participant["sessions"]
        for segment in session["segments"]
    ]


def _filter(each: Json, value_of: Callable[[str], Any], known: frozenset[str]) -> bool:
    combine = {"and": all, "or": any}.get(str(each.get("type", "and")).lower())
    if combine is None:
        raise bad_request("A filter's type must be and or or.", "invalid.value")
    predicates = [_predicate(p, value_of, known) for p in each.get("predicates") or ()]
    clauses = [_filter(clause, value_of, known) for clause in each.get("clauses") or ()]
    return bool(combine(predicates + clauses))


def _predicate(predicate: Json, value_of: Callable[[str], Any], known: frozenset[str]) -> bool:
    name = predicate.get("dimension") or predicate.get("metric")
    operator = predicate.get("operator") or "matches"
    if name not in known:
        raise bad_request(f"Unknown dimension or metric: {str(name)[:60]}", "invalid.property")
    if operator not in OPERATORS:
        raise bad_request(f"Unknown operator: {str(operator)[:60]}", "invalid.value")
    value = value_of(str(name))
    if operator != "matches":
        return (value is not None) == (operator == "exists")
    return value is not None and _matches(value, predicate)


def _matches(value: Any, predicate: Json) -> bool:
    bounds = predicate.get("range")
    if bounds:
        return all(_COMPARE[name](value, bound) for name, bound in bounds.items() if name in _COMPARE)
    wanted = str(predicate.get("value")).lower()
    return wanted in [str(each).lower() for each in (value if isinstance(value, list) else [value])]
