"""The sandbox that all competitors share: one emulator, one simulator, one Prefect server, reset for each run."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import requests

from deployments.sandbox import servers
from deployments.sandbox.sandbox import Sandbox
from tasks.concurrency import GENESYS_REQUESTS
from tasks.values import chunked
from tests.support.sandbox import pause_schedules

WINDOW = 60.0
REQUEST_LIMIT = 300  # requests in any 60 s, as Genesys has it
UNLIMITED = 1_000_000
_POLL = 0.05


class BenchSandbox:
    """A running sandbox without workers: each competitor starts its own processes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.api = sandbox.addresses.prefect_api_url
        self.database = sandbox.client("dynamodb")
        self.events = sandbox.client("events")
        self._table = sandbox.addresses.interaction_table

    def environment(self, *, limited: bool, bucket: bool) -> dict[str, str]:
        """Return the environment of a competitor's process."""
        known = self.sandbox.environment() | {"DEPLOYMENT_NAME": "process-interactions/live"}
        known |= {
            "BENCHMARK_REQUEST_LIMIT": str(REQUEST_LIMIT if limited else UNLIMITED),
            "DEAD_LETTER_QUEUE_URL": "",
        }
        return known if bucket else known | {"CONVERSATION_BUCKET": ""}

    def pid(self, child: str) -> int:
        """Return the process id of a part of the sandbox."""
        return self.sandbox.children[child].pid

    def reset(self, *, limited: bool) -> None:
        """Set Genesys's limit or none, and start with an empty window of requests."""
        allowed = REQUEST_LIMIT if limited else UNLIMITED
        self.simulator("faults", rate_limit=allowed)
        limit = {"name": GENESYS_REQUESTS, "limit": allowed, "active": True}
        url = f"{self.api}/v2/concurrency_limits/{GENESYS_REQUESTS}"
        requests.patch(url, json=limit, timeout=30).raise_for_status()
        self.database.delete_item(
            TableName=self.sandbox.addresses.budget_table, Key={"budgetId": {"S": "genesys"}}
        )
        self.simulator("reset", only=["counters"])

    def simulator(self, path: str, **body: Any) -> None:
        """POST to the simulator's control API."""
        url = f"{self.sandbox.addresses.genesys_api_url}/_sim/{path}"
        requests.post(url, json=body, timeout=30).raise_for_status()

    def requests(self) -> tuple[int, int, float]:
        """Return the requests since the reset, the most in any 60 s, and the seconds from the first to the last."""
        url = f"{self.sandbox.addresses.genesys_api_url}/_sim"
        state = requests.get(url, params={"window": WINDOW}, timeout=30).json()
        moments = self.moments()
        seconds = moments[-1] - moments[0] if moments else 0.0
        return state["requests"]["all"], state["most_in_window"]["all"], seconds

    def moments(self) -> list[float]:
        """Return when each request since the reset came, in epoch seconds."""
        url = f"{self.sandbox.addresses.genesys_api_url}/_sim/requests"
        found: list[float] = requests.get(url, timeout=30).json()["all"]
        return found

    def rows(self) -> int:
        """Return the number of rows of the interaction table."""
        return int(self.database.describe_table(TableName=self._table)["Table"]["ItemCount"])

    def await_rows(self, count: int, seconds: float) -> None:
        """Wait until the table has so many rows; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while (rows := self.rows()) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count - rows} rows are missing after {seconds:.0f} s")
            time.sleep(_POLL)

    def settled(self, ids: Sequence[str]) -> int:
        """Return how many of the interactions have a settled row."""
        found = 0
        for names in chunked(ids, 100):
            keys = [{"interactionId": {"S": name}} for name in names]
            wanted = {self._table: {"Keys": keys, "ProjectionExpression": "settled"}}
            answer = self.database.batch_get_item(RequestItems=wanted)["Responses"][self._table]
            found += sum(item["settled"]["BOOL"] for item in answer)
        return found

    def unfinished(self, flow: str) -> int:
        """Return how many runs of a flow have not ended."""
        body = {
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}},
            "flows": {"name": {"any_": [flow]}},
        }
        answer = requests.post(f"{self.api}/flow_runs/count", json=body, timeout=60)
        answer.raise_for_status()
        return int(answer.json())

    def deployment(self, name: str) -> str:
        """Return a deployment's id."""
        answer = requests.get(f"{self.api}/deployments/name/{name}", timeout=30)
        answer.raise_for_status()
        return str(answer.json()["id"])

    def pause_schedules(self) -> None:
        """Pause every deployment that has a schedule."""
        pause_schedules(self.api)

    def make_pool(self, pool: str) -> None:
        """Create a pool of the project's with its queues, which apply does for the chosen one only."""
        environment = self.sandbox.environment() | {"INTERACTIONS_POOL": pool}
        command = [sys.executable, "-m", "deployments", "apply"]
        subprocess.run(command, env=environment, cwd=servers.ROOT, stdout=subprocess.DEVNULL, check=True)  # noqa: S603

    def move(self, name: str, pool: str, queue: str) -> None:
        """Move a deployment to another work pool."""
        body = {"work_pool_name": pool, "work_queue_name": queue}
        url = f"{self.api}/deployments/{self.deployment(name)}"
        requests.patch(url, json=body, timeout=30).raise_for_status()
