"""POST /api/v2/analytics/conversations/details/query.

A query finds a conversation that overlaps its interval and started on a (UTC) day that the interval touches; it does
not find one that started the evening before and ended in the interval. Its totalHits is an estimate, as Genesys's is:
only an empty page is the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.control.faults import MAX_PAGE_SIZE
from deployments.sandbox.genesys.conversations.registry import is_settled
from deployments.sandbox.genesys.conversations.seeded_random import SeededRandom
from deployments.sandbox.genesys.conversations.timestamps import DAY_MS, epoch_ms, timestamp
from deployments.sandbox.genesys.http.errors import bad_request, response_too_large
from deployments.sandbox.genesys.queries.predicate_fields import CONVERSATION_FIELDS, SEGMENT_FIELDS
from deployments.sandbox.genesys.queries.predicates import PROPERTY, Filter, filters, reject_unknown_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.sandbox.genesys.control.faults import Faults
    from deployments.sandbox.genesys.conversations import Json
    from deployments.sandbox.genesys.conversations.registry import ConversationState, Registry

DEFAULT_PAGE_SIZE = 25
MAX_RESULTS = 100_000
EXACT_HITS = (
    20  # assumed: an estimate is exact while there are few; 20 are the fewest that it can be wrong about
)
MAX_ERROR_PERCENT = 5
MAX_DAYS = 7
MAX_DAYS_FILTERED = 31
FILTERS = ("conversationFilters", "segmentFilters")
FILTERS_NOT_SIMULATED = ("evaluationFilters", "surveyFilters", "resolutionFilters")
NOT_SIMULATED = (*FILTERS_NOT_SIMULATED, "aggregations", "limit", "startOfDayIntervalMatching")
_COMMON = ("interval", "order", "orderBy", *FILTERS, *FILTERS_NOT_SIMULATED)
FIELDS = (*_COMMON, "paging", "aggregations")
JOB_FIELDS = (*_COMMON, "limit", "startOfDayIntervalMatching")
ORDERS = ("asc", "desc", "unordered")
ORDER_BY = ("conversationStart", "conversationEnd", "segmentStart", "segmentEnd")


@dataclass(frozen=True, slots=True)
class DetailsQuery:
    """A valid query; times are epoch ms, `end` is exclusive."""

    start: int
    end: int
    size: int
    number: int
    order: str
    order_by: str
    conversation_filters: tuple[Filter, ...]
    segment_filters: tuple[Filter, ...]


def parse_query(body: Any) -> DetailsQuery:
    """Return the query in a request body. Raises Genesys's 400 if it is not valid."""
    return _parse(body, FIELDS)


def parse_job(body: Any) -> DetailsQuery:
    """Return the query in the body of a job, which has no paging. Raises Genesys's 400 if it is not valid."""
    return _parse(body, JOB_FIELDS)


def _parse(body: Any, known: tuple[str, ...]) -> DetailsQuery:
    if not isinstance(body, dict):
        raise bad_request("The request body must be an object.")
    reject_unknown_fields(body, known)
    for name in NOT_SIMULATED:
        if body.get(name):
            raise bad_request(f"{name} are not simulated.", "invalid.property")
    start, end = _interval(body.get("interval"))
    _check_span(end - start, filtered=any(body.get(name) for name in FILTERS))
    size, number = _paging(body.get("paging") or {})
    return DetailsQuery(
        start,
        end,
        size,
        number,
        _choice(body, "order", ORDERS),
        _choice(body, "orderBy", ORDER_BY),
        filters(body, "conversationFilters", CONVERSATION_FIELDS),
        filters(body, "segmentFilters", SEGMENT_FIELDS),
    )


def _interval(text: Any) -> tuple[int, int]:
    try:
        first, second = str(text).split("/")
        start, end = epoch_ms(first), epoch_ms(second)
    except ValueError as error:
        raise bad_request("The interval must be two ISO-8601 times, start/end.", "invalid.date") from error
    if start >= end:
        raise bad_request("The interval's start must be before its end.", "invalid.date")
    return start, end


def _check_span(span: int, *, filtered: bool) -> None:
    if span > MAX_DAYS_FILTERED * DAY_MS:
        raise bad_request(f"Interval may not exceed {MAX_DAYS_FILTERED} days.")
    if span > MAX_DAYS * DAY_MS and not filtered:
        raise bad_request(f"Interval may not exceed {MAX_DAYS} days without filters.")


def _paging(paging: Any) -> tuple[int, int]:
    try:
        size, number = int(paging.get("pageSize", DEFAULT_PAGE_SIZE)), int(paging.get("pageNumber", 1))
    except (AttributeError, TypeError, ValueError) as error:
        raise bad_request("paging must hold the numbers pageSize and pageNumber.", "invalid.value") from error
    if not 1 <= size <= MAX_PAGE_SIZE or number < 1:
        raise bad_request(f"pageSize must be 1 to {MAX_PAGE_SIZE} and pageNumber 1 or more.", "invalid.value")
    if size * number > MAX_RESULTS:
        raise bad_request(f"Pagination may not exceed {MAX_RESULTS} results.")
    return size, number


def _choice(body: Json, name: str, options: tuple[str, ...]) -> str:
    value = body.get(name) or options[0]
    if value not in options:
        raise bad_request(f"{name} must be one of {', '.join(options)}.", "invalid.value")
    return str(value)


class QueryCandidate:
    """A conversation that a query may find; its details are derived when a filter or the page needs them."""

    def __init__(
        self, registry: Registry, faults: Faults, moment: float, entry: tuple[str, ConversationState]
    ) -> None:
        self._registry, self._faults, self._moment = registry, faults, moment
        self.id, self.state = entry
        self.settled = is_settled(self.id, self.state, faults, moment)

    def details(self) -> Json:
        """Return the details that the query returns."""
        return self._registry.visible(self.id, self.state, self._faults, self._moment) or {}

    def passes(self, query: DetailsQuery) -> bool:
        """Return whether it passes all filters; a segment filter passes if one segment does."""
        if not all(each.holds(self._value) for each in query.conversation_filters):
            return False
        if not query.segment_filters:
            return True
        segments = _segments(self.details())
        return all(any(each.holds(values) for values in segments) for each in query.segment_filters)

    def _value(self, name: str) -> Any:
        if name == "conversationId":
            return self.id
        if name == "conversationStart":
            return timestamp(self.state.start)
        if name == "conversationEnd":
            return timestamp(self.state.end) if self.settled else None
        if name == "tConversationDuration":
            return self.state.end - self.state.start if self.settled else None
        details = self.details()
        return _total(details, name) if name in CONVERSATION_FIELDS.metrics else _named(details, name)

    def sort_key(self, order_by: str) -> int:
        """Return the moment (epoch ms) to sort by; a live conversation's end sorts last."""
        by_end = order_by in ("conversationEnd", "segmentEnd")
        return (self.state.end if self.settled else 1 << 62) if by_end else self.state.start

    def within(self, query: DetailsQuery) -> bool:
        """Return whether it overlaps the interval and started on one of its days."""
        day = self.state.start - self.state.start % DAY_MS
        touched = query.start < day + DAY_MS and day < query.end
        return (
            touched and self.state.start < query.end and (not self.settled or self.state.end >= query.start)
        )


def _named(holder: Json, name: str) -> Any:
    """Return the value of a dimension, which may be a list under the plural of its name."""
    return holder.get(name, holder.get(f"{name}s"))


def _total(details: Json, name: str) -> int | None:
    """Return the sum of a metric over the sessions, None if no session has it."""
    sessions = [session for each in details["participants"] for session in each["sessions"]]
    values = [each["value"] for session in sessions for each in session["metrics"] if each["name"] == name]
    return sum(values) if values else None


def _segments(details: Json) -> list[Callable[[str], Any]]:
    """Return for each segment a function from a name to its value, which may be its session's or participant's."""
    return [
        partial(_of_segment, {**participant, **session, **session.get("flow", {}), **segment})
        for participant in details["participants"]
        for session in participant["sessions"]
        for segment in session["segments"]
    ]


def _of_segment(segment: Json, name: str) -> Any:
    if name.startswith(PROPERTY):
        wanted = name.removeprefix(PROPERTY)
        return [each["value"] for each in segment.get("properties", ()) if each["property"] == wanted] or None
    if name != "tSegmentDuration":
        return _named(segment, name)
    end = segment.get("segmentEnd")
    return epoch_ms(end) - epoch_ms(segment["segmentStart"]) if end else None


def estimated_hits(hits: int, query: DetailsQuery) -> int:
    """Return what a query says of its number of conversations: exact while there are few, then a few percent off."""
    if hits < EXACT_HITS:
        return hits
    rng = SeededRandom(f"hits/{query.start}/{query.end}/{hits}")
    off = 1 + rng.below(hits * MAX_ERROR_PERCENT // 100)
    return hits + (off if rng.chance(50) else -off)


def _totals(hits: int, query: DetailsQuery, said: str) -> Json:
    """Return what an answer says of its total: an estimate, half of the hits, or nothing."""
    if said == "absent":
        return {}
    return {"totalHits": hits // 2 if said == "half" else estimated_hits(hits, query)}


def run_query(registry: Registry, faults: Faults, moment: float, query: DetailsQuery) -> Json:
    """Return the response body of a query at a moment (epoch s): one page and an estimate of the total."""
    listed = (QueryCandidate(registry, faults, moment, entry) for entry in registry.listed(faults, moment))
    found = [each for each in listed if each.within(query)]
    found = [each for each in found if each.passes(query)]
    if query.order != "unordered":
        found.sort(key=lambda each: (each.sort_key(query.order_by), each.id), reverse=query.order == "desc")
    page = found[(query.number - 1) * query.size : query.number * query.size]
    if len(page) > faults.page_max:
        faults.record("page_too_large")
        raise response_too_large(query=True)
    body: Json = _totals(len(found), query, faults.total_hits)
    if page:
        body["conversations"] = [each.details() for each in page]
    return body
