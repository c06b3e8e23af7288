"""Details jobs: a query of Genesys's data lake, whose results are read by cursor once it is fulfilled.

The lake is hours to a day old, and says until when it is complete. A job finds every conversation that was active in
its interval, on whichever day it started; a details query finds it by the day of its start. Unconfirmed: how long a job
and a cursor live, the largest page, and how many jobs may run at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from tasks.genesys.client import DETAILS, GenesysClient, ended_filters
from tasks.genesys.errors import BadRequest, JobExpired, ResponseTooLarge, Unavailable
from tasks.genesys.responses import ApiResponse
from tasks.genesys.results import JobPage, conversations_of
from tasks.genesys.transport import ApiRequest
from tasks.values import instant, iso


class JobState(StrEnum):
    """The states of a job."""

    QUEUED = "QUEUED"
    PENDING = "PENDING"
    FULFILLED = "FULFILLED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True)
class SubmittedJob:
    """A job that Genesys has accepted; `submitted_at` is by Genesys's clock."""

    id: str
    submitted_at: datetime
    requests: int


class DetailsJobs:
    """The jobs API of a client: its token, its connections and its limit."""

    def __init__(self, client: GenesysClient) -> None:
        self._client = client
        self._url = f"{client.hosts.api_url}{DETAILS}/jobs"

    def available_until(self) -> datetime:
        """Return until when the lake is complete. Raises Unavailable when Genesys does not say."""
        response = self._client.request(ApiRequest("GET", f"{self._url}/availability", "jobs availability"))
        moment = _date(response)
        if moment is None:
            raise Unavailable("the jobs availability has no date", region=self._client.hosts.region)
        return moment

    def submit(self, start: datetime, end: datetime, *, queue_ids: Iterable[str] = ()) -> SubmittedJob:
        """Submit a job for the ended conversations that were active in an interval, oldest first."""
        body: dict[str, Any] = {
            "interval": f"{iso(start)}/{iso(end)}",
            "order": "asc",
            "orderBy": "conversationStart",
            **ended_filters(queue_ids),
        }
        request = ApiRequest("POST", self._url, "details job", json=body)
        response = self._client.request(request, HTTPStatus.ACCEPTED)
        job = response.body.get("jobId")
        if not isinstance(job, str) or not job:
            raise Unavailable("a details job was accepted without an id", region=self._client.hosts.region)
        return SubmittedJob(job, self._client.fetched_at(response), response.attempts)

    def state(self, job_id: str) -> JobState:
        """Return a job's state; that of one that Genesys no longer knows is EXPIRED."""
        try:
            response = self._client.request(ApiRequest("GET", self._of(job_id), "details job state"))
        except BadRequest as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return JobState.EXPIRED
            raise
        try:
            return JobState(str(response.body.get("state")))
        except ValueError:
            text = "a details job is in a state that is none of the documented ones"
            raise Unavailable(text, region=self._client.hosts.region) from None

    def results(self, job_id: str, *, cursor: str | None = None, page_size: int = 1_000) -> JobPage:
        """Return a page of a fulfilled job's results; the first one without a cursor.

        The participants' attributes are left out: a query's answer has none, and whatever a flow in Genesys wrote may
        be in them. Raises JobExpired when the job is gone or its cursor is refused, ResponseTooLarge for a page that is
        more than Genesys returns at once.
        """
        query = urlencode({"pageSize": page_size} | ({"cursor": cursor} if cursor else {}))
        request = ApiRequest("GET", f"{self._of(job_id)}/results?{query}", "details job results")
        try:
            response = self._client.request(request)
        except ResponseTooLarge:
            raise
        except BadRequest as error:
            if error.status == HTTPStatus.NOT_FOUND or cursor:
                raise JobExpired(str(error), status=error.status, region=error.region) from None
            raise
        following = response.body.get("cursor")
        return JobPage(
            conversations=tuple(_without_attributes(each) for each in conversations_of(response)),
            cursor=following if isinstance(following, str) and following else None,
            available_until=_date(response),
            requests=response.attempts,
        )

    def _of(self, job_id: str) -> str:
        return f"{self._url}/{quote(job_id, safe='')}"


def _date(response: ApiResponse) -> datetime | None:
    return instant(response.body.get("dataAvailabilityDate"))


def _without_attributes(conversation: dict[str, Any]) -> dict[str, Any]:
    participants = conversation.get("participants")
    if not isinstance(participants, list):
        return conversation
    kept = [
        {name: value for name, value in each.items() if name != "attributes"}
        if isinstance(each, dict)
        else each
        for each in participants
    ]
    return conversation | {"participants": kept}
