"""Prefect: the API, the deployment, a live worker, and how the last runs went."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from infra.checks.result import Check, UnknownState, Wrong
from infra.errors import NoAnswer
from infra.prefect import UNREACHABLE, Prefect

if TYPE_CHECKING:
    from infra.checks.scene import Scene

NOT_FOUND = 404
LATELY = timedelta(hours=1)
SOUGHT = {"TimedOut": "ran into the time-out", "Crashed": "crashed"}


class PrefectChecks:
    """Prefect as the bridge reaches it, or as PREFECT_API_URL says that it is reached from here."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.api = Prefect(os.environ.get("PREFECT_API_URL") or scene.values["PrefectApiUrl"])

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
        return self.api.deployment(self.scene.values["DeploymentName"])

    def reachable(self) -> str:
        """The API answers, and lets us in."""
        try:
            self.api.call("POST", "/deployments/count", {})
        except NoAnswer as error:
            raise Wrong(str(error), UNREACHABLE) from error
        return self.api.url

    def deployment(self) -> str:
        """The deployment exists and is not paused."""
        name = self.scene.values["DeploymentName"]
        try:
            found = self._deployment
        except NoAnswer as error:
            if error.status == NOT_FOUND:
                raise Wrong(f"Prefect knows no deployment {name}", "prefect deploy --all") from error
            raise UnknownState("cannot be told without the API") from error
        if found.get("paused"):
            raise Wrong(f"{name} is paused", f"prefect deployment resume, or its switch in the UI: {name}")
        return name

    def _known(self) -> dict[str, Any]:
        try:
            return self._deployment
        except NoAnswer as error:
            raise UnknownState("cannot be told without the deployment") from error

    def worker(self) -> str:
        """The deployment's work pool and queue are open, and a worker polls."""
        found = self._known()
        pool, queue = found["work_pool_name"], found["work_queue_name"]
        if self.api.call("GET", f"/work_pools/{pool}").get("is_paused"):
            raise Wrong(f"work pool {pool} is paused", f"prefect work-pool resume {pool}")
        if self.api.call("GET", f"/work_pools/{pool}/queues/{queue}").get("is_paused"):
            raise Wrong(f"work queue {queue} is paused", f"prefect work-queue resume {queue} --pool {pool}")
        workers = self.api.call("POST", f"/work_pools/{pool}/workers/filter", {})
        online = [each for each in workers if each.get("status") == "ONLINE"]
        if not online:
            raise Wrong(f"no worker is online in work pool {pool}", f"prefect worker start --pool {pool}")
        return f"{len(online)} online in {pool}"

    def runs(self) -> str:
        """No run timed out or crashed in the last hour."""
        since = (datetime.now(UTC) - LATELY).isoformat()
        sought = {
            "deployments": {"id": {"any_": [self._known()["id"]]}},
            "flow_runs": {"state": {"name": {"any_": list(SOUGHT)}}, "end_time": {"after_": since}},
        }
        found = self.api.call("POST", "/flow_runs/filter", {**sought, "limit": 50})
        for state, words in SOUGHT.items():
            if count := sum(run.get("state_name") == state for run in found):
                raise Wrong(f"{count} {words} in the last hour", "look at these runs in the UI")
        return "none timed out or crashed in the last hour"
