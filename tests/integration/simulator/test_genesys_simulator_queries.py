"""The Genesys simulator's details query: what an interval finds, what a filter does, what is too much."""

from __future__ import annotations

import pytest

from tests.integration.genesys_simulator import (
    QUERY,
    Genesys,
    Json,
    new_ids,
    segments,
)

DAY = "2026-03-01T00:00:00.000Z/2026-03-02T00:00:00.000Z"


def test_a_query_pages_through_an_interval(genesys: Genesys) -> None:
    """Added conversations are found once each, in order, with the total on every page."""
    added = genesys.add("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", 70)
    pages = [genesys.find(DAY, paging={"pageSize": 30, "pageNumber": n}) for n in (1, 2, 3, 4)]
    found = [each for page in pages for each in page.get("conversations", [])]
    assert [page["totalHits"] for page in pages] == [70] * 4
    assert "conversations" not in pages[3]
    assert {each["conversationId"] for each in found} == set(added)
    assert [each["conversationStart"] for each in found] == sorted(e["conversationStart"] for e in found)
    assert len(genesys.find(DAY)["conversations"]) == 25
    last = genesys.find(DAY, order="desc", orderBy="conversationEnd")["conversations"][0]
    assert last["conversationEnd"] == max(each["conversationEnd"] for each in found)
    assert found == [genesys.details(each["conversationId"])[each["conversationId"]] for each in found]


def test_conversations_that_were_fetched_are_listed_too(genesys: Genesys) -> None:
    """An id that somebody fetched is found on the simulator's own day."""
    fetched = set(genesys.details(*new_ids(3)))
    found = genesys.find("2026-01-15T00:00:00Z/2026-01-16T00:00:00Z")["conversations"]
    assert {each["conversationId"] for each in found} == fetched


def test_a_query_misses_what_started_the_day_before(genesys: Genesys) -> None:
    """A conversation over midnight is found by its first day's interval, not by the next day's."""
    (late,) = new_ids(1)
    genesys.sim("/conversations", {"ids": [late], "start": "2026-03-01T23:59:59.990Z"})
    truth = genesys.sim(f"/conversations/{late}")
    assert truth["conversationEnd"] > "2026-03-02T00:00:00.000Z"
    assert genesys.find("2026-03-01T12:00:00Z/2026-03-02T12:00:00Z")["totalHits"] == 1
    assert genesys.find("2026-03-02T00:00:00Z/2026-03-03T00:00:00Z")["totalHits"] == 0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "interval"),
        ({"interval": "PT1H"}, "interval"),
        ({"interval": "2026-03-02T00:00:00Z/2026-03-01T00:00:00Z"}, "before"),
        ({"interval": "2026-03-01T00:00:00Z/2026-03-08T00:00:01Z"}, "7 days"),
        ({"interval": "2026-03-01T00:00:00Z/2026-04-01T00:00:01Z", "segmentFilters": [{}]}, "31 days"),
        ({"interval": DAY, "paging": {"pageSize": 101}}, "pageSize"),
        ({"interval": DAY, "paging": {"pageSize": 100, "pageNumber": 1001}}, "may not exceed 100000 results"),
        ({"interval": DAY, "orderBy": "mood"}, "orderBy"),
        ({"interval": DAY, "order": "up"}, "order"),
    ],
)
def test_a_query_that_asks_too_much_is_refused(genesys: Genesys, body: Json, says: str) -> None:
    """400 with a message that says which limit it was."""
    answer = genesys.post(QUERY, json=body)
    assert answer.status_code == 400
    assert says in answer.json()["message"]


def _filter(dimension: str, operator: str, value: str | None = None) -> list[Json]:
    predicate = {"dimension": dimension, "operator": operator, "value": value}
    return [{"type": "and", "predicates": [predicate]}]


def test_a_query_filters(genesys: Genesys) -> None:
    """By end, by id, by queue and by duration; a filter lengthens the interval; unknown ones are 400."""
    added = genesys.add("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", 40)
    genesys.faults(not_settled_ids=added[:3])
    ended, live = _filter("conversationEnd", "exists"), _filter("conversationEnd", "notExists")
    assert genesys.find(DAY, conversationFilters=ended)["totalHits"] == 37
    assert genesys.find(DAY, conversationFilters=live)["totalHits"] == 3
    month = "2026-02-20T00:00:00Z/2026-03-20T00:00:00Z"
    one = genesys.find(month, conversationFilters=_filter("conversationId", "matches", added[5]))
    assert [each["conversationId"] for each in one["conversations"]] == [added[5]]
    truths = [genesys.sim(f"/conversations/{each}") for each in added]
    queue = next(s["queueId"] for t in truths for s in segments(t) if "queueId" in s)
    expected = sum(any(s.get("queueId") == queue for s in segments(t)) for t in truths)
    assert genesys.find(DAY, segmentFilters=_filter("queueId", "matches", queue))["totalHits"] == expected
    long = {"metric": "tConversationDuration", "range": {"gte": 10**9}}
    longer = [{"type": "and", "predicates": [long]}]
    assert genesys.find(DAY, conversationFilters=longer)["totalHits"] == 0
    wrong = {"interval": DAY, "conversationFilters": _filter("mood", "exists")}
    assert genesys.post(QUERY, json=wrong).json()["code"] == "invalid.property"
