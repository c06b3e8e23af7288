"""Queries: POST /api/v2/analytics/conversations/details/query.

A conversation is found when something of it lies in the interval and it started on a (UTC) day that the
interval touches: one that started the evening before and ended in the interval is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.errors import bad_request
from deployments.sandbox.genesys.predicates import Filter, filters, only
from deployments.sandbox.genesys.registry import settled
from deployments.sandbox.genesys.scene import DAY_MS, epoch_ms, stamp
from deployments.sandbox.genesys.vocabulary import CONVERSATION, SEGMENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.sandbox.genesys.faults import Faults
    from deployments.sandbox.genesys.registry import Known, Registry
    from deployments.sandbox.genesys.scene import Json

PAGE_MOST = 100
PAGE_DEFAULT = 25
RESULTS_MOST = 100_000
DAYS_PLAIN = 7
DAYS_FILTERED = 31
FILTERS = ("conversationFilters", "segmentFilters")
NOT_SIMULATED = ("evaluationFilters", "surveyFilters", "resolutionFilters", "aggregations")
FIELDS = ("interval", "order", "orderBy", "paging", *FILTERS, *NOT_SIMULATED)
ORDERS = ("asc", "desc", "unordered")
ORDER_BY = ("conversationStart", "conversationEnd", "segmentStart", "segmentEnd")


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was found to be in order; times are epoch ms, `end` is excluded."""

    start: int
    end: int
    size: int
    number: int
    order: str
    order_by: str
    conversation_filters: tuple[Filter, ...]
    segment_filters: tuple[Filter, ...]


def parse(body: Any) -> Query:
    """Return the query in a request's body, or raise the 400 that Genesys answers."""
    if not isinstance(body, dict):
        raise bad_request("The request body must be an object.")
    only(body, FIELDS)
    for name in NOT_SIMULATED:
        if body.get(name):
            raise bad_request(f"{name} are not simulated.", "invalid.property")
    start, end = _interval(body.get("interval"))
    _check_span(end - start, filtered=any(body.get(name) for name in FILTERS))
    size, number = _paging(body.get("paging") or {})
    return Query(
        start,
        end,
        size,
        number,
        _choice(body, "order", ORDERS),
        _choice(body, "orderBy", ORDER_BY),
        filters(body, "conversationFilters", CONVERSATION),
        filters(body, "segmentFilters", SEGMENT),
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
    if span > DAYS_FILTERED * DAY_MS:
        raise bad_request(f"Interval may not exceed {DAYS_FILTERED} days.")
    if span > DAYS_PLAIN * DAY_MS and not filtered:
        raise bad_request(f"Interval may not exceed {DAYS_PLAIN} days without filters.")


def _paging(paging: Any) -> tuple[int, int]:
    try:
        size, number = int(paging.get("pageSize", PAGE_DEFAULT)), int(paging.get("pageNumber", 1))
    except (AttributeError, TypeError, ValueError) as error:
        raise bad_request("paging must hold the numbers pageSize and pageNumber.", "invalid.value") from error
    if not 1 <= size <= PAGE_MOST or number < 1:
        raise bad_request(f"pageSize must be 1 to {PAGE_MOST} and pageNumber 1 or more.", "invalid.value")
    if size * number > RESULTS_MOST:
        raise bad_request(f"Pagination may not exceed {RESULTS_MOST} results.")
    return size, number


def _choice(body: Json, name: str, options: tuple[str, ...]) -> str:
    value = body.get(name) or options[0]
    if value not in options:
        raise bad_request(f"{name} must be one of {', '.join(options)}.", "invalid.value")
    return str(value)


class Candidate:
    """A conversation that may be found; its details are made only when a filter or the page needs them."""

    def __init__(self, registry: Registry, faults: Faults, moment: float, entry: tuple[str, Known]) -> None:
        self._registry, self._faults, self._moment = registry, faults, moment
        self.id, self.known = entry
        self.settled = settled(self.id, self.known, faults, moment)

    def details(self) -> Json:
        """Return the details as Genesys shows them now."""
        return self._registry.peek(self.id, self.known, self._faults, self._moment) or {}

    def passes(self, query: Query) -> bool:
        """Return whether it passes every filter; a segment filter wants one segment that does."""
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
            return stamp(self.known.start)
        if name == "conversationEnd":
            return stamp(self.known.end) if self.settled else None
        if name == "tConversationDuration":
            return self.known.end - self.known.start if self.settled else None
        details = self.details()
        return _total(details, name) if name in CONVERSATION.metrics else _named(details, name)

    def order(self, by: str) -> int:
        """Return the moment to order by."""
        live = by in ("conversationEnd", "segmentEnd")
        return (self.known.end if self.settled else 1 << 62) if live else self.known.start

    def within(self, query: Query) -> bool:
        """Return whether the interval finds it."""
        day = self.known.start - self.known.start % DAY_MS
        touched = query.start < day + DAY_MS and day < query.end
        return (
            touched and self.known.start < query.end and (not self.settled or self.known.end >= query.start)
        )


def _named(holder: Json, name: str) -> Any:
    """Return the value of a dimension: what is named in the singular may be a list in the plural."""
    return holder.get(name, holder.get(f"{name}s"))


def _total(details: Json, name: str) -> int | None:
    """Return the sum of a metric over the sessions, None where nobody measured it."""
    sessions = [session for each in details["participants"] for session in each["sessions"]]
    values = [each["value"] for session in sessions for each in session["metrics"] if each["name"] == name]
    return sum(values) if values else None


def _segments(details: Json) -> list[Callable[[str], Any]]:
    """Return of every segment what gives its values, and those of its session and its participant."""
    return [
        partial(_of_segment, {**participant, **session, **session.get("flow", {}), **segment})
        for participant in details["participants"]
        for session in participant["sessions"]
        for segment in session["segments"]
    ]


def _of_segment(segment: Json, name: str) -> Any:
    if name != "tSegmentDuration":
        return _named(segment, name)
    end = segment.get("segmentEnd")
    return epoch_ms(end) - epoch_ms(segment["segmentStart"]) if end else None


def answer(registry: Registry, faults: Faults, moment: float, query: Query) -> Json:
    """Return the page that a query asks for."""
    listed = (Candidate(registry, faults, moment, entry) for entry in registry.listed(faults, moment))
    found = [each for each in listed if each.within(query)]
    found = [each for each in found if each.passes(query)]
    if query.order != "unordered":
        found.sort(key=lambda each: (each.order(query.order_by), each.id), reverse=query.order == "desc")
    page = found[(query.number - 1) * query.size : query.number * query.size]
    body: Json = {"totalHits": len(found)}
    if page:
        body["conversations"] = [each.details() for each in page]
    return body
