"""The client's details jobs: against the simulator, and against answers that Genesys should never give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from deployments.sandbox.genesys.http.tokens import CLIENT_ID, CLIENT_SECRET
from tasks.genesys import (
    Authenticator,
    BadRequest,
    DetailsJobs,
    GenesysClient,
    JobExpired,
    JobPage,
    JobState,
    NotPermitted,
    ResponseTooLarge,
    Throttled,
    Transport,
    Unavailable,
    resolve,
)
from tests.support.fake_genesys import FakeGenesys, Reply
from tests.support.genesys import UnlimitedLimiter, conversation, ids

START = datetime(2026, 1, 10, tzinfo=UTC)
END = START + timedelta(days=1)


@pytest.fixture
def genesys_url(simulator: str) -> str:
    """The simulator without faults, whose jobs take no time."""
    control(simulator, "reset")
    control(simulator, "faults", job_seconds=0, rate_limit=10_000)
    return simulator


@pytest.fixture
def limiter() -> UnlimitedLimiter:
    """The limiter of `jobs`."""
    return UnlimitedLimiter()


@pytest.fixture
def jobs(genesys_url: str, limiter: UnlimitedLimiter) -> DetailsJobs:
    """The jobs of a client of the simulator."""
    hosts, transport = resolve("us-east-1", login_url=genesys_url, api_url=genesys_url), Transport()
    authenticator = Authenticator(transport, hosts, CLIENT_ID, SecretStr(CLIENT_SECRET))
    return DetailsJobs(GenesysClient(transport, authenticator, hosts, limiter))


def control(genesys: str, path: str, **body: Any) -> Any:
    """POST to a path of /_sim."""
    answer = requests.post(f"{genesys}/_sim/{path}", json=body, timeout=60)
    answer.raise_for_status()
    return answer.json()


def added(genesys: str, count: int) -> list[str]:
    """Let Genesys have conversations of the day; return their ids, sorted."""
    noon = (START + timedelta(hours=12)).isoformat()
    return sorted(control(genesys, "conversations", count=count, start=START.isoformat(), end=noon)["ids"])


def pages(jobs: DetailsJobs, job_id: str, page_size: int) -> list[JobPage]:
    """Return every page of a job."""
    found = [jobs.results(job_id, page_size=page_size)]
    while cursor := found[-1].cursor:
        found.append(jobs.results(job_id, cursor=cursor, page_size=page_size))
    return found


def test_a_jobs_results_are_read_by_cursor(
    genesys_url: str, jobs: DetailsJobs, limiter: UnlimitedLimiter
) -> None:
    """Every conversation once, without attributes, and as a query returns it; each request takes a permit."""
    expected = added(genesys_url, 130)
    available = jobs.available_until()
    job = jobs.submit(START, END)
    assert jobs.state(job.id) is JobState.FULFILLED
    found = pages(jobs, job.id, 50)
    assert [len(page.conversations) for page in found] == [50, 50, 30]
    every = [each for page in found for each in page.conversations]
    assert sorted(each["conversationId"] for each in every) == expected
    assert not any("attributes" in each for c in every for each in c["participants"])
    assert limiter.permits == 3 + len(found) + 1  # and a token
    assert all(page.available_until and page.available_until >= available for page in found)
    assert timedelta(hours=3.9) < job.submitted_at - available < timedelta(hours=4.1)
    queried = GenesysClient.query_conversations(jobs._client, START, END)  # noqa: SLF001 - the same client
    by_id = {each["conversationId"]: each for each in every}
    assert all(by_id[each["conversationId"]] == each for each in queried.conversations)


def test_only_what_has_ended_is_listed(genesys_url: str, jobs: DetailsJobs) -> None:
    """As in a query."""
    live, *ended = added(genesys_url, 3)
    control(genesys_url, "faults", not_settled_ids=[live])
    (page,) = pages(jobs, jobs.submit(START, END).id, 50)
    assert sorted(each["conversationId"] for each in page.conversations) == ended


def test_only_some_queues_are_listed(genesys_url: str, jobs: DetailsJobs) -> None:
    """As in a query."""
    added(genesys_url, 30)
    queue = "5d1c0000-0000-4000-8000-00000000000a"
    (page,) = pages(jobs, jobs.submit(START, END, queue_ids=[queue]).id, 50)
    assert page.conversations == ()


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "EXPIRED"])
def test_a_job_may_end_without_results(genesys_url: str, jobs: DetailsJobs, state: str) -> None:
    """Its state says so."""
    control(genesys_url, "faults", job_ends_as=state)
    assert jobs.state(jobs.submit(START, END).id) == state


def test_a_job_that_waits_says_so(genesys_url: str, jobs: DetailsJobs) -> None:
    """It is queued, then pending."""
    control(genesys_url, "faults", job_seconds=3600)
    assert jobs.state(jobs.submit(START, END).id) is JobState.QUEUED


def test_a_job_or_cursor_that_is_too_old_has_expired(genesys_url: str, jobs: DetailsJobs) -> None:
    """One that Genesys no longer knows, too; a request without a cursor that is wrong is another error."""
    added(genesys_url, 2)
    job = jobs.submit(START, END).id
    cursor = jobs.results(job, page_size=1).cursor
    control(genesys_url, "faults", cursor_life=0)
    with pytest.raises(JobExpired):
        jobs.results(job, cursor=cursor, page_size=1)
    with pytest.raises(BadRequest) as refused:
        jobs.results(job, page_size=1001)
    assert not isinstance(refused.value, JobExpired)
    control(genesys_url, "faults", expire_jobs=True)
    with pytest.raises(JobExpired):
        jobs.results(job)
    assert jobs.state(job) is JobState.EXPIRED
    assert jobs.state("no/such job?") is JobState.EXPIRED


def test_a_page_that_is_too_large_says_so(genesys_url: str, jobs: DetailsJobs) -> None:
    """With a cursor, too."""
    added(genesys_url, 10)
    job = jobs.submit(START, END).id
    cursor = jobs.results(job, page_size=5).cursor
    control(genesys_url, "faults", response_bytes_max=5_000)
    for at in (None, cursor):
        with pytest.raises(ResponseTooLarge):
            jobs.results(job, cursor=at, page_size=5)


def test_a_missing_permission_is_named(genesys_url: str, jobs: DetailsJobs) -> None:
    """In the error's text."""
    control(genesys_url, "faults", missing_permission="analytics:conversationDetail:view")
    with pytest.raises(NotPermitted, match="analytics:conversationDetail:view"):
        jobs.submit(START, END)


def test_a_throttle_is_an_error_with_its_wait(genesys_url: str, jobs: DetailsJobs) -> None:
    """The run is rescheduled for it."""
    control(genesys_url, "faults", throttle={"retry_after": 3600, "for_seconds": 600})
    with pytest.raises(Throttled) as caught:
        jobs.submit(START, END)
    assert caught.value.retry_after == 3600


@pytest.mark.parametrize(
    ("call", "reply"),
    [
        ("available_until", Reply(body={})),
        ("available_until", Reply(body={"dataAvailabilityDate": "soon"})),
        ("submit", Reply(status=202, body={})),
        ("submit", Reply(status=202, body={"jobId": 7})),
        ("state", Reply(body={"state": "ASLEEP"})),
        ("state", Reply(body={})),
    ],
)
def test_an_answer_without_what_was_asked_for_is_no_answer(
    genesys: FakeGenesys, client: GenesysClient, call: str, reply: Reply
) -> None:
    """It may be another one a moment later."""
    genesys.script.append(reply)
    arguments: dict[str, tuple[Any, ...]] = {"submit": (START, END), "state": ("job",)}
    with pytest.raises(Unavailable):
        getattr(DetailsJobs(client), call)(*arguments.get(call, ()))


@pytest.mark.parametrize("cursor", [None, "", 7, {}])
def test_what_is_no_cursor_ends_the_results(genesys: FakeGenesys, client: GenesysClient, cursor: Any) -> None:
    """And entries that are no conversations are left out, participants that are none kept."""
    (id_,) = ids(1)
    odd = conversation(id_, participants=[None, {"purpose": "agent", "attributes": {"a": "b"}}])
    genesys.script.append(Reply(body={"conversations": [odd, None, 7], "cursor": cursor}))
    page = DetailsJobs(client).results("job")
    assert (page.cursor, page.available_until) == (None, None)
    assert page.conversations == (conversation(id_, participants=[None, {"purpose": "agent"}]),)
