"""The Genesys simulator's details jobs: states, results by cursor, expiry, and a lake that lags."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.sandbox.genesys.control.faults import Faults
from deployments.sandbox.genesys.queries.jobs import JobRegistry
from tests.support.simulator import DETAILS, Json, SimulatorClient

JOBS = f"{DETAILS}/jobs"
START, END = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"
DAY = f"{START}/{END}"


def submitted(genesys: SimulatorClient, interval: str = DAY, **body: Any) -> str:
    """Submit a job; return its id."""
    answer = genesys.post(JOBS, json={"interval": interval, **body})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["jobId"])


def fulfilled(genesys: SimulatorClient, interval: str = DAY, **body: Any) -> str:
    """Submit a job that takes no time; return its id."""
    genesys.faults(job_seconds=0)
    job = submitted(genesys, interval, **body)
    assert genesys.get(f"{JOBS}/{job}").json()["state"] == "FULFILLED"
    return job


def results(genesys: SimulatorClient, job: str, **parameters: Any) -> Json:
    """Return a page of a job's results."""
    answer = genesys.get(f"{JOBS}/{job}/results", **parameters)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def listed(genesys: SimulatorClient, job: str) -> dict[str, Json]:
    """Return every conversation of a job, by id."""
    return {each["conversationId"]: each for each in results(genesys, job).get("conversations", [])}


def ago(**span: float) -> datetime:
    """Return the time so long ago."""
    return datetime.now(UTC) - timedelta(**span)


def test_the_results_are_read_by_cursor(genesys: SimulatorClient) -> None:
    """Each conversation is on one page; the last page has no cursor, and every page the dataAvailabilityDate."""
    added = genesys.add(START, END, 70)
    job, cursor, found = fulfilled(genesys), "", list[str]()
    while True:
        page = results(genesys, job, pageSize=30, **({"cursor": cursor} if cursor else {}))
        found += [each["conversationId"] for each in page["conversations"]]
        assert page["dataAvailabilityDate"] < ago(hours=3.9).isoformat()
        if "cursor" not in page:
            break
        cursor = page["cursor"]
    assert sorted(found) == sorted(added)


def test_a_job_is_queued_then_pending_then_fulfilled() -> None:
    """By the time since its submission, until it expires."""
    jobs, faults = JobRegistry(), Faults(job_seconds=10, job_life=100)
    job = jobs.submit({"interval": DAY}, faults, 1_000.0)["jobId"]
    states = [jobs.status(job, 1_000.0 + passed)["state"] for passed in (0, 4.9, 5, 9.9, 10, 99.9, 100)]
    assert states == ["QUEUED", "QUEUED", "PENDING", "PENDING", "FULFILLED", "FULFILLED", "EXPIRED"]


def test_there_are_no_results_before_the_end(genesys: SimulatorClient) -> None:
    """400."""
    genesys.faults(job_seconds=3600)
    job = submitted(genesys)
    assert genesys.get(f"{JOBS}/{job}").json()["state"] == "QUEUED"
    assert genesys.get(f"{JOBS}/{job}/results").status_code == 400


@pytest.mark.parametrize(("state", "status"), [("FAILED", 400), ("CANCELLED", 400), ("EXPIRED", 404)])
def test_a_job_may_end_without_results(genesys: SimulatorClient, state: str, status: int) -> None:
    """The fault `job_ends_as`."""
    genesys.faults(job_seconds=0, job_ends_as=state)
    job = submitted(genesys)
    assert genesys.get(f"{JOBS}/{job}").json()["state"] == state
    assert genesys.get(f"{JOBS}/{job}/results").status_code == status


def test_jobs_and_cursors_expire(genesys: SimulatorClient) -> None:
    """`cursor_life` refuses a cursor, `expire_jobs` and `job_life` a job."""
    genesys.add(START, END, 2)
    job = fulfilled(genesys)
    cursor = results(genesys, job, pageSize=1)["cursor"]
    genesys.faults(cursor_life=0)
    assert genesys.get(f"{JOBS}/{job}/results", cursor=cursor).status_code == 400
    assert results(genesys, job)["conversations"]
    genesys.faults(expire_jobs=True)
    assert genesys.get(f"{JOBS}/{job}").json()["state"] == "EXPIRED"
    assert genesys.get(f"{JOBS}/{job}/results").status_code == 404
    genesys.faults(job_life=0)
    assert genesys.get(f"{JOBS}/{submitted(genesys)}").json()["state"] == "EXPIRED"


def test_the_lake_lags(genesys: SimulatorClient) -> None:
    """It knows neither a conversation nor an event nor an end that is later than its date."""
    hour = {"start": ago(hours=2), "end": ago(hours=1)}
    fresh = genesys.add(hour["start"].isoformat(), hour["end"].isoformat(), 3)
    (old,) = genesys.add(START, END)
    before = genesys.details(old)[old]
    genesys.sim(f"/conversations/{old}/events", {"type": "ended-again"})
    assert genesys.details(old)[old]["conversationEnd"] > before["conversationEnd"]

    interval = "{start:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}".format(**hour)
    assert listed(genesys, fulfilled(genesys, interval)) == {}
    assert listed(genesys, fulfilled(genesys))[old]["conversationEnd"] == before["conversationEnd"]
    availability = genesys.get(f"{JOBS}/availability").json()["dataAvailabilityDate"]
    assert ago(hours=4.1).isoformat() < availability < ago(hours=3.9).isoformat()

    genesys.faults(lake_lag=0)
    assert set(listed(genesys, fulfilled(genesys, interval))) == set(fresh)
    assert listed(genesys, fulfilled(genesys)) != {old: before}


def test_a_conversation_that_the_lake_has_seen_begin_has_no_end(genesys: SimulatorClient) -> None:
    """It is left out when only what has ended is asked for."""
    start = ago(minutes=1)
    ids = genesys.add(start.isoformat(), start.isoformat(), 20)
    genesys.faults(lake_lag=30)
    interval = f"{ago(hours=1):%Y-%m-%dT%H:%M:%SZ}/{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    ended = {"type": "dimension", "dimension": "conversationEnd", "operator": "exists"}
    filters = [{"type": "and", "predicates": [ended]}]
    found = listed(genesys, fulfilled(genesys, interval))
    assert set(found) == set(ids)
    before = {id_ for id_, each in found.items() if "conversationEnd" in each}
    asked = set(listed(genesys, fulfilled(genesys, interval, conversationFilters=filters)))
    found = listed(genesys, fulfilled(genesys, interval))
    after = {id_ for id_, each in found.items() if "conversationEnd" in each}
    assert before <= asked <= after < set(ids)  # the lake moves on with the time: one may end meanwhile


def test_it_finds_what_was_active_on_whichever_day_it_started(genesys: SimulatorClient) -> None:
    """A query's answer has no conversation of the day before, a job's has, with attributes."""
    ids = genesys.add("2026-02-28T23:59:00Z", "2026-02-28T23:59:30Z", 20)
    over = {id_ for id_, each in genesys.details(*ids).items() if each["conversationEnd"] >= START}
    assert over
    assert "conversations" not in genesys.find(DAY)
    found = listed(genesys, fulfilled(genesys))
    assert set(found) == over
    assert any("attributes" in p for each in found.values() for p in each["participants"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{JOBS}/no-such-job", 404),
        (f"{JOBS}/no-such-job/results", 404),
    ],
)
def test_an_unknown_job_is_404(genesys: SimulatorClient, path: str, status: int) -> None:
    """Its state and its results."""
    assert genesys.get(path).status_code == status


def test_a_wrong_job_is_400(genesys: SimulatorClient) -> None:
    """Paging and aggregations belong to a query; a page has 1,000 at the most."""
    for body in ({}, {"interval": DAY, "paging": {"pageSize": 1}}, {"interval": DAY, "aggregations": []}):
        assert genesys.post(JOBS, json=body).status_code == 400
    job = fulfilled(genesys)
    for parameters in ({"pageSize": 1001}, {"pageSize": "x"}, {"cursor": "x"}):
        assert genesys.get(f"{JOBS}/{job}/results", **parameters).status_code == 400


def test_a_job_needs_a_permission(genesys: SimulatorClient) -> None:
    """403 names it."""
    genesys.faults(missing_permission="analytics:conversationDetail:view")
    answer = genesys.post(JOBS, json={"interval": DAY})
    assert answer.status_code == 403
    assert answer.json()["messageParams"]["permissions"] == "analytics:conversationDetail:view"
