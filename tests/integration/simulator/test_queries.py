"""The Genesys simulator's details query: intervals, pages, filters and limits."""

from __future__ import annotations

import pytest

from tests.support.simulator import (
    QUERY,
    Json,
    SimulatorClient,
    new_ids,
    segments,
)

DAY = "2026-03-01T00:00:00.000Z/2026-03-02T00:00:00.000Z"


def test_a_query_pages_through_an_interval(genesys: SimulatorClient) -> None:
    """Each added conversation is on one page, in order; every page has the same estimate of the total."""
    added = genesys.add("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", 70)
    pages = [genesys.find(DAY, paging={"pageSize": 30, "pageNumber": n}) for n in (1, 2, 3, 4)]
    found = [each for page in pages for each in page.get("conversations", [])]
    assert len({page["totalHits"] for page in pages}) == 1
    assert 66 < pages[0]["totalHits"] < 74
    assert "conversations" not in pages[3]
    assert {each["conversationId"] for each in found} == set(added)
    assert [each["conversationStart"] for each in found] == sorted(e["conversationStart"] for e in found)
    assert len(genesys.find(DAY)["conversations"]) == 25
    last = genesys.find(DAY, order="desc", orderBy="conversationEnd")["conversations"][0]
    assert last["conversationEnd"] == max(each["conversationEnd"] for each in found)
    assert found == [genesys.details(each["conversationId"])[each["conversationId"]] for each in found]


def test_total_hits_is_an_estimate(genesys: SimulatorClient) -> None:
    """Exact while there are few, and wrong by a few percent, up or down, beyond: no page is the last by its number."""
    start = "2026-03-01T00:00:00Z"
    genesys.add(start, "2026-03-01T00:05:00Z", 19)
    assert genesys.find(DAY)["totalHits"] == genesys.hits(DAY) == 19
    off = set[int]()
    for hits in range(60, 100, 4):
        genesys.add(start, "2026-03-02T00:00:00Z", hits - genesys.hits(DAY))
        off.add(genesys.find(DAY)["totalHits"] - hits)
    assert 0 not in off
    assert min(off) < 0 < max(off)
    assert all(abs(each) <= 5 for each in off)


@pytest.mark.parametrize(("said", "total"), [("half", 15), ("absent", None)])
def test_a_total_may_be_too_low_or_absent(genesys: SimulatorClient, said: str, total: int | None) -> None:
    """The fault `total_hits`; the page is the same."""
    genesys.add("2026-03-01T00:00:00Z", "2026-03-01T00:05:00Z", 30)
    genesys.faults(total_hits=said)
    page = genesys.find(DAY, paging={"pageSize": 100})
    assert page.get("totalHits") == total
    assert len(page["conversations"]) == 30


def test_a_page_may_have_too_many_conversations(genesys: SimulatorClient) -> None:
    """The fault `page_max`: only a page with so many or fewer is given."""
    genesys.add("2026-03-01T00:00:00Z", "2026-03-01T00:05:00Z", 30)
    genesys.faults(page_max=25)
    answer = genesys.post(QUERY, json={"interval": DAY, "paging": {"pageSize": 26}})
    assert (answer.status_code, answer.json()["code"]) == (413, "payload.too.large")
    assert len(genesys.find(DAY, paging={"pageSize": 25})["conversations"]) == 25


def test_a_query_finds_fetched_conversations(genesys: SimulatorClient) -> None:
    """An id that was fetched is found on the day of --epoch."""
    fetched = set(genesys.details(*new_ids(3)))
    found = genesys.find("2026-01-15T00:00:00Z/2026-01-16T00:00:00Z")["conversations"]
    assert {each["conversationId"] for each in found} == fetched


def test_a_query_misses_what_started_the_day_before(genesys: SimulatorClient) -> None:
    """A conversation over midnight is found with an interval of its first day, not with one of the next."""
    (late,) = new_ids(1)
    genesys.sim("/conversations", {"ids": [late], "start": "2026-03-01T23:59:59.990Z"})
    details = genesys.sim(f"/conversations/{late}")
    assert details["conversationEnd"] > "2026-03-02T00:00:00.000Z"
    assert genesys.hits("2026-03-01T12:00:00Z/2026-03-02T12:00:00Z") == 1
    assert genesys.hits("2026-03-02T00:00:00Z/2026-03-03T00:00:00Z") == 0


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
def test_a_query_beyond_a_limit_is_400(genesys: SimulatorClient, body: Json, says: str) -> None:
    """The message names the field or the limit."""
    answer = genesys.post(QUERY, json=body)
    assert answer.status_code == 400
    assert says in answer.json()["message"]


def _filter(dimension: str, operator: str, value: str | None = None) -> list[Json]:
    predicate = {"dimension": dimension, "operator": operator, "value": value}
    return [{"type": "and", "predicates": [predicate]}]


def test_a_query_filters(genesys: SimulatorClient) -> None:
    """By end, id, queue and duration; with a filter the interval may have 31 days; an unknown one is 400."""
    added = genesys.add("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", 40)
    genesys.faults(not_settled_ids=added[:3])
    ended, live = _filter("conversationEnd", "exists"), _filter("conversationEnd", "notExists")
    assert genesys.hits(DAY, conversationFilters=ended) == 37
    assert genesys.hits(DAY, conversationFilters=live) == 3
    month = "2026-02-20T00:00:00Z/2026-03-20T00:00:00Z"
    one = genesys.find(month, conversationFilters=_filter("conversationId", "matches", added[5]))
    assert [each["conversationId"] for each in one["conversations"]] == [added[5]]
    details = [genesys.sim(f"/conversations/{each}") for each in added]
    queue = next(s["queueId"] for t in details for s in segments(t) if "queueId" in s)
    expected = sum(any(s.get("queueId") == queue for s in segments(t)) for t in details)
    assert genesys.hits(DAY, segmentFilters=_filter("queueId", "matches", queue)) == expected
    long = {"metric": "tConversationDuration", "range": {"gte": 10**9}}
    longer = [{"type": "and", "predicates": [long]}]
    assert genesys.hits(DAY, conversationFilters=longer) == 0
    wrong = {"interval": DAY, "conversationFilters": _filter("mood", "exists")}
    assert genesys.post(QUERY, json=wrong).json()["code"] == "invalid.property"
