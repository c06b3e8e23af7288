"""The details jobs: POST /api/v2/analytics/conversations/details/jobs, their states and their results.

A job reads a data lake that lags: it knows nothing that happened after its dataAvailabilityDate, which is so many
seconds before its submission, and says of a later part of its interval only that date. It finds every conversation
that was active in its interval, on whichever day it started. Assumed: that results are read once the job is FULFILLED,
and never after its expiry; that a cursor is refused with 400 when it is too old; the largest page.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from deployments.sandbox.genesys.conversations.details import unsettled
from deployments.sandbox.genesys.conversations.operational import attributes
from deployments.sandbox.genesys.conversations.timestamps import epoch_ms, timestamp
from deployments.sandbox.genesys.http.errors import bad_request, not_found
from deployments.sandbox.genesys.queries.query import DetailsQuery, QueryCandidate, parse_job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployments.sandbox.genesys.control.faults import Faults
    from deployments.sandbox.genesys.conversations import Json
    from deployments.sandbox.genesys.conversations.registry import ConversationState, Registry

DEFAULT_PAGE_SIZE = 1_000


@dataclass(slots=True)
class DetailsJob:
    """A job; moments are epoch s, `available` is epoch ms. `found` has the ids of its results once they are read."""

    id: str
    query: DetailsQuery
    submitted: float
    fulfilled: float
    expires: float
    available: int
    ends_as: str
    found: list[str] | None = field(default=None)

    def state(self, moment: float) -> str:
        """Return its state at a moment (epoch s)."""
        if moment >= self.expires:
            return "EXPIRED"
        if moment >= self.fulfilled:
            return self.ends_as
        return "QUEUED" if moment < (self.submitted + self.fulfilled) / 2 else "PENDING"

    def status(self, moment: float) -> Json:
        """Return the response body of a request for its state."""
        state = self.state(moment)
        body = {
            "state": state,
            "submissionDate": _date(self.submitted),
            "expirationDate": _date(self.expires),
        }
        if moment >= self.fulfilled:
            body["completionDate"] = _date(self.fulfilled)
        if state == "FAILED":
            body["errorMessage"] = "The query could not be executed."
        return body


class JobRegistry:
    """The organization's jobs."""

    def __init__(self) -> None:
        self._jobs: dict[str, DetailsJob] = {}

    def submit(self, body: Any, faults: Faults, moment: float) -> Json:
        """Submit a job at a moment (epoch s) and return its id. Raises Genesys's 400 of a wrong body."""
        query = parse_job(body)
        job = DetailsJob(
            id=str(uuid4()),
            query=query,
            submitted=moment,
            fulfilled=moment + faults.job_seconds,
            expires=moment + faults.job_life,
            available=available_until(faults, moment),
            ends_as=faults.job_ends_as,
        )
        self._jobs[job.id] = job
        return {"jobId": job.id}

    def status(self, job_id: str, moment: float) -> Json:
        """Return a job's state. Raises the 404 of an unknown id."""
        return self._find(job_id).status(moment)

    def expire(self, moment: float) -> None:
        """Let every job be expired from a moment on."""
        for job in self._jobs.values():
            job.expires = min(job.expires, moment)

    def results(
        self,
        job_id: str,
        parameters: Mapping[str, list[str]],
        registry: Registry,
        faults: Faults,
        moment: float,
    ) -> Json:
        """Return a page of a job's results. Raises a 404 of a job that has none, the 400 of a wrong parameter."""
        job = self._find(job_id)
        state = job.state(moment)
        if state == "EXPIRED":
            raise not_found("job", job_id)
        if state != "FULFILLED":
            raise bad_request(f"The job has no results, it is {state}.")
        size, first = _page_size(parameters, faults), _position(parameters, job_id, faults, moment)
        if job.found is None:
            job.found = _found(job, registry, faults)
        ids, end = job.found[first : first + size], first + size
        body: Json = {"dataAvailabilityDate": timestamp(job.available)}
        if ids:
            body["conversations"] = [_details(each, job, registry, faults) for each in ids]
        if end < len(job.found):
            body["cursor"] = _cursor(job_id, end, moment)
        return body

    def _find(self, job_id: str) -> DetailsJob:
        if job_id not in self._jobs:
            raise not_found("job", job_id[:60])
        return self._jobs[job_id]


class LakeCandidate(QueryCandidate):
    """A conversation as the lake has it: without what happened since it was filled, and with its attributes."""

    def __init__(
        self, registry: Registry, faults: Faults, available: int, entry: tuple[str, ConversationState]
    ) -> None:
        self.id, self._original = entry
        self._known = sum(moment * 1000 <= available for moment in self._original.revised)
        self._registry = registry
        self.state = self._state()
        ended = not self.state.live and self.state.end <= available
        self.settled = ended and self.id not in faults.not_settled_ids

    def _state(self) -> ConversationState:
        """Return the state of the conversation after the revisions that the lake knows."""
        known = self._original.revisions[: self._known]
        if known == self._original.revisions:
            return self._original
        details = self._registry.actual(self.id, revisions=self._known)
        end = details.get("conversationEnd")
        return replace(
            self._original,
            end=epoch_ms(end) if end else self._original.end,
            live=not end,
            removed=any(each.kind == "removed" for each in known),
            revisions=known,
        )

    def details(self) -> Json:
        """Return the details that the job returns."""
        self._original.returned = True
        details = self._registry.actual(self.id, revisions=self._known)
        return attributes(details if self.settled else unsettled(details))

    def within(self, query: DetailsQuery) -> bool:
        """Return whether it was active in the interval."""
        return self.state.start < query.end and (not self.settled or self.state.end >= query.start)


def available_until(faults: Faults, moment: float) -> int:
    """Return the dataAvailabilityDate (epoch ms) at a moment (epoch s)."""
    return round((moment - faults.lake_lag) * 1000)


def _found(job: DetailsJob, registry: Registry, faults: Faults) -> list[str]:
    """Return the ids of a job's results, in its order."""
    entries = [each for each in registry.items() if each[1].start < job.available]
    candidates = (LakeCandidate(registry, faults, job.available, each) for each in entries)
    found = [
        each
        for each in candidates
        if each.id not in faults.unknown_ids
        and not each.state.removed
        and each.within(job.query)
        and each.passes(job.query)
    ]
    if job.query.order != "unordered":
        found.sort(
            key=lambda each: (each.sort_key(job.query.order_by), each.id), reverse=job.query.order == "desc"
        )
    return [each.id for each in found]


def _details(conversation_id: str, job: DetailsJob, registry: Registry, faults: Faults) -> Json:
    entry = conversation_id, registry.get(conversation_id)
    return LakeCandidate(registry, faults, job.available, entry).details()


def _page_size(parameters: Mapping[str, list[str]], faults: Faults) -> int:
    given = parameters.get("pageSize", [str(min(DEFAULT_PAGE_SIZE, faults.job_page_max))])[-1]
    if not (given.isdecimal() and 1 <= int(given) <= faults.job_page_max):
        raise bad_request(f"pageSize must be 1 to {faults.job_page_max}.", "invalid.value")
    return int(given)


def _cursor(job_id: str, first: int, moment: float) -> str:
    return base64.urlsafe_b64encode(f"{job_id}/{first}/{moment}".encode()).decode()


def _position(parameters: Mapping[str, list[str]], job_id: str, faults: Faults, moment: float) -> int:
    """Return which result a cursor is at; without one, the first. Raises the 400 of one that is wrong or too old."""
    given = parameters.get("cursor", [""])[-1]
    if not given:
        return 0
    try:
        job, first, issued = base64.urlsafe_b64decode(given).decode().split("/")
        position, age = int(first), moment - float(issued)
    except (binascii.Error, ValueError) as error:
        raise bad_request("The cursor is not valid.", "invalid.value") from error
    if job != job_id or age >= faults.cursor_life:
        raise bad_request("The cursor is not valid, or has expired.", "invalid.value")
    return position


def _date(moment: float) -> str:
    return timestamp(round(moment * 1000))
