"""Checks of Prefect: the API, the deployment, the workers, the runs that wait and those of the last hour.

The docstring of a check says what holds when it passes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from infra.errors import PrefectApiError
from infra.prefect_api import UNREACHABLE, Prefect
from infra.prefect_health import AWAITING_RETRY, CRASHES, HEARTBEAT, LATE_AFTER, RECENT, Poll, code_of
from infra.verify.check import Check, CheckFailed, CheckUnknown

if TYPE_CHECKING:
    from infra.verify.context import CheckContext

NOT_FOUND = 404
PAGE = 200  # runs of a kind that are looked at
UNFINISHED = ("SCHEDULED", "PENDING")
FAILED_HINT = "their messages name the events at fault: docs/operations.md, Quarantine codes"


class PrefectChecks:
    """Prefect at PREFECT_API_URL if it is set, else at the address that the bridge has."""

    def __init__(self, context: CheckContext) -> None:
        self.context = context
        self.api = Prefect(os.environ.get("PREFECT_API_URL") or context.values["PrefectApiUrl"])

    def checks(self) -> list[Check]:
        """Return this module's checks."""
        return [
            Check("Prefect API", self.reachable),
            Check("Prefect deployment", self.deployment),
            Check("Prefect worker", self.worker),
            Check("Prefect late runs", self.late),
            Check("Prefect retries", self.retries),
            Check("Prefect runs", self.crashed),
            Check("Prefect failures", self.failed),
        ]

    @cached_property
    def _deployment(self) -> dict[str, Any]:
        return self.api.deployment(self.context.values["DeploymentName"])

    def reachable(self) -> str:
        """The API answers and accepts the API key, if there is one."""
        try:
            self.api.call("POST", "/deployments/count", {})
        except PrefectApiError as error:
            _unless_busy(error)
            raise CheckFailed(str(error), UNREACHABLE) from error
        return self.api.url

    def deployment(self) -> str:
        """The deployment exists and is not paused."""
        name = self.context.values["DeploymentName"]
        try:
            found = self._deployment
        except PrefectApiError as error:
            if error.status == NOT_FOUND:
                raise CheckFailed(f"Prefect knows no deployment {name}", "prefect deploy --all") from error
            _unless_busy(error)
            raise CheckUnknown("unknown without the API") from error
        if found.get("paused"):
            raise CheckFailed(
                f"{name} is paused", f"prefect deployment resume, or its switch in the UI: {name}"
            )
        return name

    def _found_deployment(self) -> dict[str, Any]:
        try:
            return self._deployment
        except PrefectApiError as error:
            _unless_busy(error)
            raise CheckUnknown("unknown without the deployment") from error

    def _call(self, method: str, path: str, body: object = None) -> Any:
        try:
            return self.api.call(method, path, body)
        except PrefectApiError as error:
            _unless_busy(error)
            raise

    def worker(self) -> str:
        """The deployment's work pool and work queue are not paused, and a worker polls: not one that was frozen."""
        found = self._found_deployment()
        pool, queue = found["work_pool_name"], found["work_queue_name"]
        if self._call("GET", f"/work_pools/{pool}").get("is_paused"):
            raise CheckFailed(f"work pool {pool} is paused", f"prefect work-pool resume {pool}")
        if self._call("GET", f"/work_pools/{pool}/queues/{queue}").get("is_paused"):
            raise CheckFailed(
                f"work queue {queue} is paused", f"prefect work-queue resume {queue} --pool {pool}"
            )
        now, polls = datetime.now(UTC), _polls(self._call("POST", f"/work_pools/{pool}/workers/filter", {}))
        told = [
            f"{poll.name}: last poll {_age(poll.at, now)} ago" for poll in polls if now - poll.at <= RECENT
        ]
        if not any(poll.is_recent(now) for poll in polls):
            ended = f"the last was heard of at {_moment(polls[0].at)}" if polls else "none ever did"
            raise CheckFailed(
                f"no worker polls work pool {pool}: {'; '.join(told) or ended}",
                f"end what is silent, then prefect worker start --pool {pool} --limit 10",
            )
        return f"{pool}: {'; '.join(told)}"

    def late(self) -> str:
        """No run of the deployment waits for more than a minute past its time."""
        now = datetime.now(UTC)
        found = self._runs(
            {
                "state": {"type": {"any_": UNFINISHED}},
                "expected_start_time": {"before_": _iso(now - LATE_AFTER)},
            },
            "EXPECTED_START_TIME_ASC",
        )
        late = [run for run in found if run.get("state_name") != AWAITING_RETRY]
        if late:
            since = _since(late, "expected_start_time", now)
            raise CheckFailed(f"{_counted(late)} late, since {since}", "start workers; see docs/scaling.md")
        return "no run is late"

    def retries(self) -> str:
        """No run could not work at all and gave itself back; `bad-settings` is a worker that is set up wrongly."""
        found = self._runs({"state": {"name": {"any_": [AWAITING_RETRY]}}}, "START_TIME_ASC")
        if not found:
            return "no run waits to be tried again"
        codes = sorted({code for run in found if (code := code_of(_message(run)))})
        since = _since(found, "start_time", datetime.now(UTC))
        hint = "docs/operations.md, A run goes back"
        if "bad-settings" in codes:
            text = next(_message(run) for run in found if code_of(_message(run)) == "bad-settings")
            hint = f"correct the worker's settings and restart it: {text}"
        raise CheckFailed(
            f"{_counted(found)} cannot work, since {since}: {', '.join(codes) or 'no reason given'}", hint
        )

    def crashed(self) -> str:
        """No run timed out or crashed in the last hour."""
        now = datetime.now(UTC)
        found = self._runs(
            {"state": {"name": {"any_": list(CRASHES)}}, "end_time": {"after_": _iso(now - RECENT)}},
            "END_TIME_DESC",
        )
        if found:
            since = _since(found, "end_time", now)
            raise CheckFailed(
                f"{_counted(found)} crashed or timed out, since {since}", "look at these runs in the UI"
            )
        return "none timed out or crashed in the last hour"

    def failed(self) -> str:
        """No run of the last hour is Failed. One that is may tell of a wrong event only: that is not decided here."""
        now = datetime.now(UTC)
        found = self._runs(
            {"state": {"name": {"any_": ["Failed"]}}, "end_time": {"after_": _iso(now - RECENT)}},
            "END_TIME_DESC",
        )
        if found:
            since = _since(found, "end_time", now)
            raise CheckUnknown(
                f"{_counted(found)} Failed in the last hour, since {since}; the last: {_message(found[0])}",
                FAILED_HINT,
            )
        return "none Failed in the last hour"

    def _runs(self, flow_runs: dict[str, Any], sort: str) -> list[dict[str, Any]]:
        """Return the deployment's runs that a filter matches, PAGE at the most."""
        deployments = {"id": {"any_": [self._found_deployment()["id"]]}}
        body = {"deployments": deployments, "flow_runs": flow_runs, "sort": sort, "limit": PAGE}
        found: list[dict[str, Any]] = self._call("POST", "/flow_runs/filter", body)
        return found


def _unless_busy(error: PrefectApiError) -> None:
    """Raise CheckUnknown for what passes by itself, 429 and 5xx."""
    if error.is_busy:
        wait = f"in {error.retry_after:.0f} s" if error.retry_after else "in a minute"
        raise CheckUnknown(str(error), f"come again {wait}: nothing can be said until then") from error


def _polls(workers: Sequence[dict[str, Any]]) -> list[Poll]:
    """Return the workers' last signs of life, the latest first."""
    found = [
        Poll(
            str(each.get("name")),
            datetime.fromisoformat(each["last_heartbeat_time"]),
            timedelta(seconds=each.get("heartbeat_interval_seconds") or HEARTBEAT.total_seconds()),
        )
        for each in workers
        if each.get("last_heartbeat_time")
    ]
    return sorted(found, key=lambda poll: poll.at, reverse=True)


def _message(run: dict[str, Any]) -> str:
    return str((run.get("state") or {}).get("message") or "no message")


def _counted(runs: Sequence[object]) -> str:
    more = "at least " if len(runs) == PAGE else ""
    return f"{more}{len(runs)} run{'' if len(runs) == 1 else 's'}"


def _since(runs: Sequence[dict[str, Any]], name: str, now: datetime) -> str:
    """Return the earliest of these times, and how long ago it was."""
    times = [datetime.fromisoformat(run[name]) for run in runs if run.get(name)]
    return f"{_moment(min(times))}, {_age(min(times), now)} ago" if times else "a time that is not known"


def _age(at: datetime, now: datetime) -> str:
    seconds = max(0.0, (now - at).total_seconds())
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - two minutes


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def _iso(at: datetime) -> str:
    return at.isoformat()
