"""Prefect's API, as far as the bridge uses it: a deployment's id, waiting runs, a new run, workers, a limit."""

from __future__ import annotations

import datetime as dt
import re
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from compression import packed, reads_packed
from errors import BatchRefused, DeliveryHalted

BATCH_REFUSALS = frozenset({400, 409, 413, 422, 500})
"""Statuses that one event of a batch may cause; any other is caused by Prefect, the API key or the network."""
FAILED_STATES = frozenset({"FAILED", "CRASHED", "CANCELLED", "CANCELLING"})
RESERVED_SECONDS = 3.0
"""Seconds of the invocation that are kept for dead letters, the log line and the response."""
MIN_REQUEST_SECONDS = 1.0
"""With less time left than this, no request is started."""
KNOWN_SECONDS = 60.0
"""Seconds for which a deployment's id, and whether its flow reads packed events, are taken as unchanged."""

BUSY_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds before each retry of a 503. A Prefect server on SQLite answers so when two writes collide (measured: 5 to
60 % of runs created back to back). Without a retry the batch would wait for its visibility time-out."""
MAX_REASON = 200
"""The longest reason of a refusal, in characters."""
_WORDS = re.compile(r"[A-Za-z ,.]{0,80}")
_NAME = re.compile(r"[a-z_]{1,40}|[0-9]{1,4}")


@dataclass(frozen=True)
class CreatedRun:
    """The run that has the events: a new one, or the former one of a repeated idempotency key.

    `accepted`: it is new, or has not failed.
    """

    run_id: str
    accepted: bool


class HttpExchange(Protocol):
    """What sends a request; `connection.Connection` is the implementation."""

    def request(
        self, method: str, path: str, body: object, headers: dict[str, str], timeout: float
    ) -> tuple[int, Any]:
        """Return status and parsed body."""


class Authorization(Protocol):
    """What makes the Authorization header; `api_key.Credentials` is the implementation."""

    @property
    def renewable(self) -> bool:
        """Whether there is a secret, which may have been rotated."""

    def header(self) -> dict[str, str]:
        """Return the header."""

    def forget(self) -> None:
        """Read the secret again for the next request."""


class PrefectApi:
    """Prefect's API for one deployment, which is looked up again after KNOWN_SECONDS: it may be deployed anew."""

    def __init__(
        self, exchange: HttpExchange, authorization: Authorization, *, deployment_name: str, timeout: float
    ) -> None:
        self._exchange = exchange
        self._authorization = authorization
        self._deployment_name = deployment_name
        self._timeout = timeout
        self._deployment_id: str | None = None
        self._reads_packed = False
        self._looked_up_at = 0.0
        self._remaining: Callable[[], float] = lambda: float("inf")
        self.requests = 0

    def begin(self, remaining: Callable[[], float]) -> None:
        """Start an invocation; `remaining` returns the seconds left of it."""
        if time.monotonic() - self._looked_up_at > KNOWN_SECONDS:
            self._deployment_id = None
        self._remaining = remaining
        self.requests = 0

    def waiting_runs(self) -> int:
        """Return how many runs of the deployment are due and have not started."""
        # Only a Scheduled run has a next start, so this "or" counts the due and the Pending runs in one request,
        # without the runs that are scheduled for later.
        runs = {
            "operator": "or_",
            "next_scheduled_start_time": {"before_": dt.datetime.now(dt.UTC).isoformat()},
            "state": {"type": {"any_": ["PENDING"]}},
        }
        body = {"deployments": {"id": {"any_": [self._deployment()]}}, "flow_runs": runs}
        status, answer = self._request("POST", "/flow_runs/count", body)
        if status != 200 or not isinstance(answer, int):  # noqa: PLR2004  # HTTP's OK
            raise DeliveryHalted("waiting-runs-unknown", status)
        return answer

    def online_workers(self) -> int:
        """Return how many workers of the deployment's pool Prefect calls online; the deployment is looked up anew."""
        pool = self._look_up().get("work_pool_name")
        if not isinstance(pool, str):
            return 0
        body = {"workers": {"status": {"any_": ["ONLINE"]}}}
        status, answer = self._request("POST", f"/work_pools/{quote(pool, safe='')}/workers/filter", body)
        if status != 200 or not isinstance(answer, list):  # noqa: PLR2004  # HTTP's OK
            raise DeliveryHalted("workers-unknown", status)
        return len(answer)

    def limit(self, name: str) -> int:
        """Return the active global concurrency limit of this name; raise DeliveryHalted when there is none."""
        status, answer = self._request("GET", f"/v2/concurrency_limits/{quote(name, safe='')}")
        found = answer if status == 200 and isinstance(answer, dict) else {}  # noqa: PLR2004  # HTTP's OK
        if not found.get("active") or not isinstance(found.get("limit"), int):
            raise DeliveryHalted("limit-missing", status)
        return int(found["limit"])

    def reads_packed(self) -> bool:
        """Return whether the deployment's flow reads packed events."""
        self._deployment()
        return self._reads_packed

    def create_run(self, events: Sequence[str], key: str, name: str) -> CreatedRun:
        """Return the run of these events under this idempotency key; raise BatchRefused or DeliveryHalted."""
        status, answer = self._create(events, key, name)
        if status == 404:  # noqa: PLR2004  # deployed again: its name has another id now
            self._deployment_id = None
            status, answer = self._create(events, key, name)
        if status in {200, 201}:
            return _run(answer, new=status == 201)  # noqa: PLR2004  # HTTP's Created
        if status in BATCH_REFUSALS:
            raise BatchRefused(status, refusal_reason(answer))
        raise DeliveryHalted("deployment-not-found" if status == 404 else "outage", status)  # noqa: PLR2004

    def _create(self, events: Sequence[str], key: str, name: str) -> tuple[int, Any]:
        path = f"/deployments/{self._deployment()}/create_flow_run"
        given = packed(events) if self._reads_packed else list(events)
        body = {"parameters": {"events": given}, "idempotency_key": key, "tags": ["bridge"], "name": name}
        return self._request("POST", path, body)

    def _deployment(self) -> str:
        if self._deployment_id is None:
            self._deployment_id = _identifier(self._look_up())
        return self._deployment_id

    def _look_up(self) -> dict[str, Any]:
        """Return the deployment of this name; remember its id, and what its flow reads."""
        flow, _, name = self._deployment_name.partition("/")
        path = f"/deployments/name/{quote(flow, safe='')}/{quote(name, safe='')}"
        status, answer = self._request("GET", path)
        if status == 404:  # noqa: PLR2004
            raise DeliveryHalted("deployment-not-found", status)
        if status != 200:  # noqa: PLR2004
            raise DeliveryHalted("outage", status)
        self._deployment_id = _identifier(answer)
        self._reads_packed = reads_packed(answer)
        self._looked_up_at = time.monotonic()
        return dict(answer)

    def _request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        status, answer = self._send(method, path, body)
        if status in {401, 403} and self._authorization.renewable:
            self._authorization.forget()
            status, answer = self._send(method, path, body)
        if status in {401, 403}:
            raise DeliveryHalted("not-authorized", status)
        return status, answer

    def _send(self, method: str, path: str, body: object) -> tuple[int, Any]:
        left = self._remaining() - RESERVED_SECONDS
        if left < MIN_REQUEST_SECONDS:
            raise DeliveryHalted("out-of-time")
        for pause in (*BUSY_PAUSES, None):
            self.requests += 1
            header = self._authorization.header()
            left = self._remaining() - RESERVED_SECONDS
            answer = self._exchange.request(
                method, path, body, header, min(self._timeout, max(MIN_REQUEST_SECONDS, left))
            )
            if answer[0] != 503 or pause is None or left - pause < MIN_REQUEST_SECONDS:  # noqa: PLR2004  # HTTP's Unavailable
                break
            time.sleep(pause)
        return answer


def _run(answer: object, *, new: bool) -> CreatedRun:
    state = answer.get("state_type") if isinstance(answer, dict) else None
    return CreatedRun(_identifier(answer), accepted=new or state not in FAILED_STATES)


def _identifier(answer: object) -> str:
    """Return the id in the response; a 2xx without one comes from a proxy, not from Prefect: DeliveryHalted."""
    id_ = answer.get("id") if isinstance(answer, dict) else None
    try:
        return str(uuid.UUID(id_))
    except (ValueError, TypeError, AttributeError):
        raise DeliveryHalted("unexpected-answer") from None


def refusal_reason(answer: object) -> str:
    """Return what was wrong by Prefect's names: its words up to a value, then the fields with the error's type.

    Nothing else of the answer: a message may quote the event.
    """
    found = answer if isinstance(answer, dict) else {}
    words = [
        _WORDS.match(text)
        for text in (found.get("detail"), found.get("exception_message"))
        if isinstance(text, str)
    ]
    parts = [match.group().strip(" ,.") for match in words if match]
    details = found.get("exception_detail")
    for detail in details[:3] if isinstance(details, list) else ():
        if isinstance(detail, dict) and isinstance(detail.get("loc"), list):
            names = [*detail["loc"], detail.get("type")]
            parts.append(
                ".".join(
                    str(each) for each in names if isinstance(each, str | int) and _NAME.fullmatch(str(each))
                )
            )
    return ": ".join(part for part in parts if part)[:MAX_REASON] or "no reason given"
