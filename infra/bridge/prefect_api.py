"""The three things the bridge asks of Prefect: a deployment's id, how many runs wait, a new run."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from masking import masked
from outcomes import Refused, Stopped

ABOUT_THE_BATCH = frozenset({400, 409, 413, 422, 500})
"""Answers that may be about one event of a batch; any other is about Prefect, the key or the way there."""
NOT_AN_ACCEPTANCE = frozenset({"FAILED", "CRASHED", "CANCELLED", "CANCELLING"})
RESERVE = 3.0
"""Seconds that are kept for dead letters, the log line and the answer."""
LEAST = 1.0
"""Seconds below which a request is not worth starting."""

BUSY_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds before another try on 503: a Prefect server on SQLite answers so when two writes meet (measured:
5 to 60 % of creates back to back), and an outage costs the batch its whole visibility time-out."""


@dataclass(frozen=True)
class Run:
    """The run that Prefect answered with: a new one, or the old one of a repeated key."""

    run_id: str
    accepted: bool


class Exchange(Protocol):
    """What sends a request; `connection.Connection` is the one in use."""

    def request(
        self, method: str, path: str, body: object, headers: dict[str, str], timeout: float
    ) -> tuple[int, Any]:
        """Return status and parsed body."""


class Authorization(Protocol):
    """What makes the Authorization header; `credentials.Credentials` is the one in use."""

    @property
    def renewable(self) -> bool:
        """Whether forgetting can help."""

    def header(self) -> dict[str, str]:
        """Return the header."""

    def forget(self) -> None:
        """Have the key read again."""


class PrefectApi:
    """Prefect's API for one deployment; the deployment's id is kept as long as the process lives."""

    def __init__(
        self, exchange: Exchange, authorization: Authorization, *, deployment_name: str, timeout: float
    ) -> None:
        self._exchange = exchange
        self._authorization = authorization
        self._deployment_name = deployment_name
        self._timeout = timeout
        self._deployment_id: str | None = None
        self._remaining: Callable[[], float] = lambda: float("inf")
        self.requests = 0

    def begin(self, remaining: Callable[[], float]) -> None:
        """Start an invocation; `remaining` returns the seconds left of it."""
        self._remaining = remaining
        self.requests = 0

    def waiting_runs(self) -> int:
        """Return how many runs of the deployment are due and have not begun."""
        # Only a Scheduled run has a next start, so "or" counts the due and the Pending in one request, and
        # leaves out those that wait for a time to come.
        runs = {
            "operator": "or_",
            "next_scheduled_start_time": {"before_": dt.datetime.now(dt.UTC).isoformat()},
            "state": {"type": {"any_": ["PENDING"]}},
        }
        body = {"deployments": {"id": {"any_": [self._deployment()]}}, "flow_runs": runs}
        status, answer = self._request("POST", "/flow_runs/count", body)
        if status != 200 or not isinstance(answer, int):  # noqa: PLR2004  # HTTP's OK
            raise Stopped("waiting-runs-unknown", status)
        return answer

    def create_run(self, events: Sequence[str], key: str) -> Run:
        """Return the run for these events under this key; raise Refused or Stopped."""
        body = {"parameters": {"events": list(events)}, "idempotency_key": key, "tags": ["bridge"]}
        status, answer = self._create(body)
        if status == 404:  # noqa: PLR2004  # deployed anew: its name has another id now
            self._deployment_id = None
            status, answer = self._create(body)
        if status in {200, 201}:
            return _run(answer, new=status == 201)  # noqa: PLR2004  # HTTP's Created
        if status in ABOUT_THE_BATCH:
            raise Refused(status, _reason(answer))
        raise Stopped("deployment-not-found" if status == 404 else "outage", status)  # noqa: PLR2004

    def _create(self, body: object) -> tuple[int, Any]:
        return self._request("POST", f"/deployments/{self._deployment()}/create_flow_run", body)

    def _deployment(self) -> str:
        if self._deployment_id is None:
            flow, _, name = self._deployment_name.partition("/")
            path = f"/deployments/name/{quote(flow, safe='')}/{quote(name, safe='')}"
            status, answer = self._request("GET", path)
            if status == 404:  # noqa: PLR2004
                raise Stopped("deployment-not-found", status)
            if status != 200:  # noqa: PLR2004
                raise Stopped("outage", status)
            self._deployment_id = _identifier(answer)
        return self._deployment_id

    def _request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        status, answer = self._send(method, path, body)
        if status in {401, 403} and self._authorization.renewable:
            self._authorization.forget()
            status, answer = self._send(method, path, body)
        if status in {401, 403}:
            raise Stopped("not-authorized", status)
        return status, answer

    def _send(self, method: str, path: str, body: object) -> tuple[int, Any]:
        left = self._remaining() - RESERVE
        if left < LEAST:
            raise Stopped("out-of-time")
        for pause in (*BUSY_PAUSES, None):
            self.requests += 1
            header = self._authorization.header()
            left = self._remaining() - RESERVE
            answer = self._exchange.request(method, path, body, header, min(self._timeout, max(LEAST, left)))
            if answer[0] != 503 or pause is None or left - pause < LEAST:  # noqa: PLR2004  # HTTP's Unavailable
                break
            time.sleep(pause)
        return answer


def _run(answer: object, *, new: bool) -> Run:
    state = answer.get("state_type") if isinstance(answer, dict) else None
    return Run(_identifier(answer), accepted=new or state not in NOT_AN_ACCEPTANCE)


def _identifier(answer: object) -> str:
    """Return the id of what was answered; a success without one is a proxy's page, not Prefect's word."""
    try:
        return str(uuid.UUID(answer["id"])) if isinstance(answer, dict) else _unexpected()
    except (KeyError, ValueError, TypeError, AttributeError):
        return _unexpected()


def _unexpected() -> str:
    raise Stopped("unexpected-answer")


def _reason(answer: object) -> str:
    """Return what Prefect said, short and masked: it may quote the event."""
    if not isinstance(answer, dict):
        return "no reason given"
    said = [answer.get("detail"), answer.get("exception_message")]
    details = answer.get("exception_detail")
    if isinstance(details, list):
        said += [detail.get("msg") for detail in details[:3] if isinstance(detail, dict)]
    return masked(": ".join(part for part in said if isinstance(part, str) and part)) or "no reason given"
