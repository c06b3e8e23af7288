"""Checks of Prefect: the API, the deployment, the workers, the runs of the last hour.

The docstring of a check says what holds when it passes.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from infra.errors import PrefectApiError
from infra.prefect_api import UNREACHABLE, Prefect
from infra.verify.check import Check, CheckFailed, CheckUnknown

if TYPE_CHECKING:
    from infra.verify.context import CheckContext

NOT_FOUND = 404
RECENT = timedelta(hours=1)
FAILED_STATES = {"TimedOut": "timed out", "Crashed": "crashed"}


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
            Check("Prefect runs", self.runs),
        ]

    @cached_property
    def _deployment(self) -> dict[str, Any]:
        return self.api.deployment(self.context.values["DeploymentName"])

    def reachable(self) -> str:
        """The API answers and accepts the API key, if there is one."""
        try:
            self.api.call("POST", "/deployments/count", {})
        except PrefectApiError as error:
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
            raise CheckUnknown("unknown without the deployment") from error

    def worker(self) -> str:
        """The deployment's work pool and work queue are not paused, and a worker is online."""
        found = self._found_deployment()
        pool, queue = found["work_pool_name"], found["work_queue_name"]
        if self.api.call("GET", f"/work_pools/{pool}").get("is_paused"):
            raise CheckFailed(f"work pool {pool} is paused", f"prefect work-pool resume {pool}")
        if self.api.call("GET", f"/work_pools/{pool}/queues/{queue}").get("is_paused"):
            raise CheckFailed(
                f"work queue {queue} is paused", f"prefect work-queue resume {queue} --pool {pool}"
            )
        workers = self.api.call("POST", f"/work_pools/{pool}/workers/filter", {})
        online = [each for each in workers if each.get("status") == "ONLINE"]
        if not online:
            raise CheckFailed(
                f"no worker is online in work pool {pool}", f"prefect worker start --pool {pool}"
            )
        return f"{len(online)} online in {pool}"

    def runs(self) -> str:
        """No run timed out or crashed in the last hour."""
        since = (datetime.now(UTC) - RECENT).isoformat()
        filters = {
            "deployments": {"id": {"any_": [self._found_deployment()["id"]]}},
            "flow_runs": {"state": {"name": {"any_": list(FAILED_STATES)}}, "end_time": {"after_": since}},
        }
        found = self.api.call("POST", "/flow_runs/filter", {**filters, "limit": 50})
        for state, words in FAILED_STATES.items():
            if count := sum(run.get("state_name") == state for run in found):
                raise CheckFailed(f"{count} {words} in the last hour", "look at these runs in the UI")
        return "none timed out or crashed in the last hour"
