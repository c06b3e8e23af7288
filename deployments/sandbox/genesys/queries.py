"""Queries: POST /api/v2/analytics/conversations/details/query.

A conversation is found when something of it lies in the interval and it started on a (UTC) day that the
interval touches: one that started the evening before and ended in the interval is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.errors import bad_request
from deployments.sandbox.genesys.predicates import passes
from deployments.sandbox.genesys.registry import settled
from deployments.sandbox.genesys.scene import DAY_MS, stamp

if TYPE_CHECKING:
    from deployments.sandbox.genesys.faults import Faults
    from deployments.sandbox.genesys.registry import Known, Registry
    from deployments.sandbox.genesys.scene import Json

PAGE_MOST = 100
PAGE_DEFAULT = 25
RESULTS_MOST = 100_000
DAYS_PLAIN = 7
DAYS_FILTERED = 31
FILTERS = ("conversationFilters", "segmentFilters", "evaluationFilters", "surveyFilters", "resolutionFilters")
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
    conversation_filters: list[Json]
    segment_filters: list[Json]


def parse(body: Any) -> Query:
    """Return the query in a request's body, or raise the 400 that Genesys answers."""
    if not isinstance(body, dict):
        raise bad_request("The request body must be an object.")
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
        _filters(body, "conversationFilters"),
        _filters(body, "segmentFilters"),
    )


def _filters(body: Json, name: str) -> list[Json]:
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise bad_request(f"{name} must be a list of filters.", "invalid.property")
    return value


def _interval(text: Any) -> tuple[int, int]:
    try:
        first, second = str(text).split("/")
        start, end = (round(datetime.fromisoformat(part).timestamp() * 1000) for part in (first, second))
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
    value = body.get(name, options[0])
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

    def dimension(self, name: str) -> Any:
        """Return the value of a conversation's dimension or metric, None where there is none."""
        if name == "conversationId":
            return self.id
        if name == "conversationStart":
            return stamp(self.known.start)
        if name == "conversationEnd":
            return stamp(self.known.end) if self.settled else None
        if name == "tConversationDuration":
            return self.known.end - self.known.start if self.settled else None
        details = self.details()
        return details.get({"divisionId": "divisionIds"}.get(name, name))

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


def answer(registry: Registry, faults: Faults, moment: float, query: Query) -> Json:
    """Return the page that a query asks for."""
    listed = (Candidate(registry, faults, moment, entry) for entry in registry.listed(faults, moment))
    found = [each for each in listed if each.within(query)]
    filters = query.conversation_filters, query.segment_filters
    if any(filters):
        found = [each for each in found if passes(each, *filters)]
    if query.order != "unordered":
        found.sort(key=lambda each: (each.order(query.order_by), each.id), reverse=query.order == "desc")
    page = found[(query.number - 1) * query.size : query.number * query.size]
    body: Json = {"totalHits": len(found)}
    if page:
        body["conversations"] = [each.details() for each in page]
    return body
