"""What all competitors share: one emulator, one simulator, one Prefect server, and how they are set for a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import requests

from deployments.sandbox.stack import Sandbox
from tasks.limits import GENESYS_REQUESTS
from tests.benchmarks.events import parts

WINDOW = 60.0
ALLOWED = 300  # requests in any 60 s, as Genesys has it
UNLIMITED = 1_000_000
_LIMIT_SEEN = 0.5  # seconds for which the workers believe a limit they read: LIMIT_CACHE below
_POLL = 0.05
ENVIRONMENT = {"LIMIT_CACHE": str(_LIMIT_SEEN)}


class Stage:
    """A running sandbox whose own worker is not started: each competitor brings its processes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.api = sandbox.addresses.prefect_api_url
        self.database = sandbox.client("dynamodb")
        self.events = sandbox.client("events")
        self._table = sandbox.addresses.interaction_table

    def environment(self, *, limited: bool, bucket: bool) -> dict[str, str]:
        """The environment of a competitor's process."""
        known = self.sandbox.environment() | {"DEPLOYMENT_NAME": "process-interactions/live"}
        known |= {
            "BENCHMARK_ALLOWANCE": str(ALLOWED if limited else UNLIMITED),
            "DEAD_LETTER_QUEUE_URL": "",
        }
        return known if bucket else known | {"CONVERSATION_BUCKET": ""}

    def pid(self, child: str) -> int:
        """The process id of a part of the sandbox."""
        return self.sandbox.children[child].pid

    def reset(self, *, limited: bool) -> None:
        """Begin a minute that nobody has made a request in, with Genesys's limit or without."""
        allowed = ALLOWED if limited else UNLIMITED
        self.simulator("faults", rate_limit=allowed)
        limit = {"name": GENESYS_REQUESTS, "limit": allowed, "active": True}
        url = f"{self.api}/v2/concurrency_limits/{GENESYS_REQUESTS}"
        requests.patch(url, json=limit, timeout=30).raise_for_status()
        self.database.delete_item(
            TableName=self.sandbox.addresses.budget_table, Key={"budgetId": {"S": "genesys"}}
        )
        self.simulator("reset", only=["counters"])
        time.sleep(2 * _LIMIT_SEEN)

    def simulator(self, path: str, **body: Any) -> None:
        """Set the Genesys simulator."""
        url = f"{self.sandbox.addresses.genesys_api_url}/_sim/{path}"
        requests.post(url, json=body, timeout=30).raise_for_status()

    def requests(self) -> tuple[int, int, float]:
        """Requests since the reset, the most in any 60 s, and the seconds from the first to the last."""
        url = f"{self.sandbox.addresses.genesys_api_url}/_sim"
        state = requests.get(url, params={"window": WINDOW}, timeout=30).json()
        moments = requests.get(f"{url}/requests", timeout=30).json()["all"]
        seconds = moments[-1] - moments[0] if moments else 0.0
        return state["requests"]["all"], state["most_in_window"]["all"], seconds

    def rows(self) -> int:
        """Rows of the interaction table."""
        return int(self.database.describe_table(TableName=self._table)["Table"]["ItemCount"])

    def await_rows(self, count: int, seconds: float) -> None:
        """Wait until the table has so many rows; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while (rows := self.rows()) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count - rows} rows are missing after {seconds:.0f} s")
            time.sleep(_POLL)

    def settled(self, ids: Sequence[str]) -> int:
        """How many of the interactions have a settled row."""
        found = 0
        for names in parts(ids, 100):
            keys = [{"interactionId": {"S": name}} for name in names]
            wanted = {self._table: {"Keys": keys, "ProjectionExpression": "settled"}}
            answer = self.database.batch_get_item(RequestItems=wanted)["Responses"][self._table]
            found += sum(item["settled"]["BOOL"] for item in answer)
        return found

    def unfinished(self, flow: str) -> int:
        """How many runs of a flow have not ended."""
        body = {
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}},
            "flows": {"name": {"any_": [flow]}},
        }
        answer = requests.post(f"{self.api}/flow_runs/count", json=body, timeout=60)
        answer.raise_for_status()
        return int(answer.json())

    def deployment(self, name: str) -> str:
        """A deployment's id."""
        answer = requests.get(f"{self.api}/deployments/name/{name}", timeout=30)
        answer.raise_for_status()
        return str(answer.json()["id"])

    def pause(self, name: str) -> None:
        """Pause a deployment's schedules."""
        url = f"{self.api}/deployments/{self.deployment(name)}/pause_deployment"
        requests.post(url, json={}, timeout=30).raise_for_status()

    def move(self, name: str, pool: str, queue: str) -> None:
        """Let another pool run a deployment."""
        body = {"work_pool_name": pool, "work_queue_name": queue}
        url = f"{self.api}/deployments/{self.deployment(name)}"
        requests.patch(url, json=body, timeout=30).raise_for_status()
