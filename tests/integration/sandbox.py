"""The sandbox as a fixture: one for the whole session, and what tests do with it from outside."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
import requests
from boto3.dynamodb.types import TypeDeserializer

from deployments.sandbox.samples import customer_end, put_events
from deployments.sandbox.stack import EVENT_SOURCE, Sandbox

# Delays are scaled: an hour of waiting is a second or two here.
SCALED = {
    "RETRY_SCALE": "0",
    "SETTLE_DELAYS": "2,2,2,2,2",
    "SETTLE_EVERY": "2",
    "SETTLE_PATIENCE": "60",
    "THROTTLE_MAX_DEFER": "3",
    "STORE_RETRY_DELAY": "2",
    "OVERDUE_AFTER": "3",
    "UNSETTLED_AFTER": "3",
    "LIMIT_CACHE": "0.5",
    "REVIVE_AFTER": "15",
    "ERASE_AGAIN_AFTER": "6",
    "GENESYS_RETRY_DELAY": "0.1",
    "SANDBOX_VISIBILITY_SECONDS": "5",
}
_POLL = 0.2
_deserialize = TypeDeserializer().deserialize
T = TypeVar("T")
PERSONAL: set[str] = set()  # every personal string that the simulator gave out in this session


class Driver:
    """A user of a running sandbox: events on the bus, rows in the tables, runs in the API."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.addresses = sandbox.addresses

    def put(self, *entries: dict[str, Any]) -> None:
        """Put events on the bus."""
        put_events(self.sandbox.client("events"), self.addresses.event_bus, list(entries))

    def end(self, interaction_id: str | None = None, **body: Any) -> str:
        """Put a real-shaped customer.end event on the bus; the interaction's id."""
        interaction_id = interaction_id or str(uuid.uuid4())
        self.put(customer_end(interaction_id, EVENT_SOURCE, **body))
        return interaction_id

    def row(self, interaction_id: str) -> dict[str, Any] | None:
        """The interaction's row."""
        return self._get(self.addresses.interaction_table, "interactionId", interaction_id)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table."""
        pages = self.sandbox.client("dynamodb").get_paginator("scan").paginate(TableName=table)
        return [{k: _deserialize(v) for k, v in item.items()} for page in pages for item in page["Items"]]

    def quarantined(self, **fields: str) -> list[dict[str, Any]]:
        """The quarantine rows that have these fields."""
        rows = self.rows(self.addresses.quarantine_table)
        return [row for row in rows if all(row.get(name) == value for name, value in fields.items())]

    def settled(self, interaction_id: str) -> dict[str, Any] | None:
        """The interaction's row once it is settled and no longer waits."""
        row = self.row(interaction_id)
        return row if row and row.get("settled") and "dueAt" not in row else None

    def runs(self, **flow_run_filter: Any) -> list[dict[str, Any]]:
        """Flow runs, the latest first."""
        return self.api("/flow_runs/filter", {"flow_runs": flow_run_filter, "sort": "START_TIME_DESC"})

    def runs_with(self, text: str) -> list[dict[str, Any]]:
        """The runs whose parameters mention a text."""
        return [run for run in self.runs() if text in json.dumps(run["parameters"])]

    def create_run(self, events: list[str], attempt: int = 1) -> str:
        """Start the flow as the webhook does; the run's id."""
        deployment = requests.get(
            f"{self.addresses.prefect_api_url}/deployments/name/process-interactions/live", timeout=10
        ).json()
        body = {"parameters": {"events": events, "attempt": attempt}}
        path = f"/deployments/{deployment['id']}/create_flow_run"
        return str(self.until(lambda: self.api(path, body, missing=None), 30)["id"])

    def finished(self, run_id: str, seconds: float = 60) -> dict[str, Any]:
        """The run, once it has ended."""

        def final() -> dict[str, Any] | None:
            run = requests.get(f"{self.addresses.prefect_api_url}/flow_runs/{run_id}", timeout=10).json()
            return run if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

        return self.until(final, seconds)

    def outcomes(self, run_id: str) -> list[dict[str, str]]:
        """The rows of a run's outcomes table."""
        query = {"artifacts": {"flow_run_id": {"any_": [run_id]}, "key": {"any_": ["outcomes"]}}}
        found = self.api("/artifacts/filter", query)
        return json.loads(found[0]["data"]) if found else []

    def pause(self, deployment: str) -> None:
        """Pause a deployment's schedules, as in the UI."""
        url = f"{self.addresses.prefect_api_url}/deployments/name/{deployment}"
        found = requests.get(url, timeout=10).json()
        self.api(f"/deployments/{found['id']}/pause_deployment", {})

    def api(self, path: str, body: dict[str, Any], missing: Any = ...) -> Any:
        """POST to the Prefect API; `missing` is returned for an answer that is no success, if given."""
        answer = requests.post(self.addresses.prefect_api_url + path, json=body, timeout=30)
        if missing is not ... and not answer.ok:
            return missing
        answer.raise_for_status()
        return answer.json()

    def pause_live(self, *, paused: bool) -> None:
        """Hold the live queue back, or let it go on."""
        url = f"{self.addresses.prefect_api_url}/work_pools/{self.sandbox.pool}/queues/live"
        requests.patch(url, json={"is_paused": paused}, timeout=10).raise_for_status()

    def simulator(self, path: str, **body: Any) -> dict[str, Any]:
        """Control the Genesys simulator."""
        answer = requests.post(f"{self.addresses.genesys_api_url}/_sim/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def simulator_state(self) -> dict[str, Any]:
        """The Genesys simulator's counters."""
        return requests.get(f"{self.addresses.genesys_api_url}/_sim", timeout=10).json()

    def note_personal(self) -> None:
        """Remember what the simulator gave out about persons: a reset forgets it."""
        answer = requests.get(f"{self.addresses.genesys_api_url}/_sim/pii", timeout=60)
        PERSONAL.update(answer.json()["strings"])

    def until(self, look: Callable[[], T | None], seconds: float = 60) -> T:
        """Look again and again until there is something to see."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if seen := look():
                return seen
            time.sleep(_POLL)
        raise AssertionError(f"nothing came of it within {seconds:.0f} s")

    def _get(self, table: str, key: str, value: str) -> dict[str, Any] | None:
        answer = self.sandbox.client("dynamodb").get_item(
            TableName=table, Key={key: {"S": value}}, ConsistentRead=True
        )
        return {k: _deserialize(v) for k, v in answer["Item"].items()} if "Item" in answer else None


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A running sandbox with scaled delays."""
    with Sandbox(tmp_path_factory.mktemp("sandbox"), environment=SCALED) as running:
        Driver(running).pause("reconcile-interactions/reconcile")  # no test meets a schedule
        yield running


@pytest.fixture
def driver(sandbox: Sandbox) -> Iterator[Driver]:
    """A user of the sandbox; the simulator's faults end with the test."""
    user = Driver(sandbox)
    yield user
    user.note_personal()
    user.simulator("reset")
