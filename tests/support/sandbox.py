"""The sandbox as a fixture, one for a test session, and a driver that uses it from outside."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
import requests
from boto3.dynamodb.types import TypeDeserializer

from deployments.sample_events import customer_end, put_events
from deployments.sandbox.sandbox import EVENT_SOURCE, Sandbox

# An hour of waiting takes a second or two in tests.
SCALED = {
    "RETRY_SCALE": "0",
    "DEFERRAL_DELAYS": "2,2,2,2,2",
    "DEFERRAL_INTERVAL": "2",
    "CONFIRM_AFTER": "4",
    "DEFERRAL_LIMIT": "60",
    "THROTTLE_MAX_DEFER": "3",
    "STORE_RETRY_DELAY": "2",
    "OVERDUE_AFTER": "3",
    "UNSETTLED_AFTER": "3",
    "LIMIT_CACHE": "0.5",
    "ABANDONED_AFTER": "15",
    "ERASE_FOLLOW_UP_AFTER": "3600",
    "GENESYS_RETRY_DELAY": "0.1",
    "JOB_POLL_INTERVAL": "0.2",
    "SANDBOX_VISIBILITY_SECONDS": "5",
}
_POLL = 0.2
_numbers = itertools.count(20)  # of workers that replace the first
_deserialize = TypeDeserializer().deserialize
T = TypeVar("T")
PERSONAL: set[str] = set()  # every personal string that the simulator returned in this session


class SandboxDriver:
    """Uses a running sandbox from outside: puts events, reads tables and the Prefect API, controls the simulator."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.addresses = sandbox.addresses

    def put(self, *entries: dict[str, Any]) -> None:
        """Put events on the bus."""
        put_events(self.sandbox.client("events"), self.addresses.event_bus, list(entries))

    def end(self, interaction_id: str | None = None, **body: Any) -> str:
        """Put a `customer.end` event in Genesys Cloud's shape on the bus; return the interaction's id."""
        interaction_id = interaction_id or str(uuid.uuid4())
        self.put(customer_end(interaction_id, EVENT_SOURCE, **body))
        return interaction_id

    def row(self, interaction_id: str) -> dict[str, Any] | None:
        """Return the interaction's row, or None."""
        answer = self.sandbox.client("dynamodb").get_item(
            TableName=self.addresses.interaction_table,
            Key={"interactionId": {"S": interaction_id}},
            ConsistentRead=True,
        )
        return _plain(answer["Item"]) if "Item" in answer else None

    def stored_row(self, interaction_id: str) -> dict[str, Any]:
        """Return the interaction's row; fail if there is none."""
        row = self.row(interaction_id)
        assert row is not None, f"no row of {interaction_id}"
        return row

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return every row of a table."""
        pages = self.sandbox.client("dynamodb").get_paginator("scan").paginate(TableName=table)
        return [_plain(item) for page in pages for item in page["Items"]]

    def quarantined(self, **fields: str) -> list[dict[str, Any]]:
        """Return the quarantine rows that have these fields."""
        rows = self.rows(self.addresses.quarantine_table)
        return [row for row in rows if all(row.get(name) == value for name, value in fields.items())]

    def settled(self, interaction_id: str) -> dict[str, Any] | None:
        """Return the interaction's row if it is settled and not deferred."""
        row = self.row(interaction_id)
        return row if row and row.get("settled") and "dueAt" not in row else None

    def until_settled(self, interaction_id: str, seconds: float = 180) -> dict[str, Any]:
        """Wait until the interaction's row is settled; return it."""
        return self.until(lambda: self.settled(interaction_id), seconds)

    def runs(self, **flow_run_filter: Any) -> list[dict[str, Any]]:
        """Return the flow runs that a filter matches, the latest first."""
        body = {"flow_runs": flow_run_filter, "sort": "START_TIME_DESC"}
        found: list[dict[str, Any]] = self.api("/flow_runs/filter", body)
        return found

    def runs_with(self, text: str) -> list[dict[str, Any]]:
        """Return the runs whose parameters mention a text."""
        return [run for run in self.runs() if text in json.dumps(run["parameters"])]

    def create_run(self, events: list[str], attempt: int = 1, work_queue: str | None = None) -> str:
        """Create a run of process-interactions, as the bridge does, in its work queue or another; return its id."""
        deployment = requests.get(
            f"{self.addresses.prefect_api_url}/deployments/name/process-interactions/live", timeout=60
        ).json()
        body: dict[str, Any] = {"parameters": {"events": events, "attempt": attempt}}
        if work_queue:
            body["work_queue_name"] = work_queue
        path = f"/deployments/{deployment['id']}/create_flow_run"
        return str(self.until(lambda: self.api(path, body, missing=None))["id"])

    def finished(self, run_id: str, seconds: float = 180) -> dict[str, Any]:
        """Wait until a run has ended; return it."""

        def final() -> dict[str, Any] | None:
            run = requests.get(f"{self.addresses.prefect_api_url}/flow_runs/{run_id}", timeout=60).json()
            return run if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

        return self.until(final, seconds)

    def outcomes(self, run_id: str) -> list[dict[str, str]]:
        """Return the rows of a run's outcomes table, or none if it has no such artifact."""
        query = {"artifacts": {"flow_run_id": {"any_": [run_id]}, "key": {"any_": ["outcomes"]}}}
        found = self.api("/artifacts/filter", query)
        return json.loads(found[0]["data"]) if found else []

    def pause_schedules(self) -> None:
        """Pause every deployment that has a schedule: no test meets a run that nobody asked for."""
        pause_schedules(self.addresses.prefect_api_url)

    def api(self, path: str, body: dict[str, Any], missing: Any = ...) -> Any:
        """POST to the Prefect API; `missing`, if given, is returned in place of an error status."""
        answer = requests.post(self.addresses.prefect_api_url + path, json=body, timeout=60)
        if missing is not ... and not answer.ok:
            return missing
        answer.raise_for_status()
        return answer.json()

    @contextmanager
    def paused_live(self) -> Iterator[None]:
        """Keep later runs, of deferrals and confirmations, from being executed meanwhile; other queues go on."""
        self.pause_live(paused=True)
        try:
            yield
        finally:
            self.pause_live(paused=False)

    def pause_live(self, *, paused: bool) -> None:
        """Pause the live work queue, or resume it."""
        self.pause_queue("live", paused=paused)

    def pause_queue(self, name: str, *, paused: bool) -> None:
        """Pause a work queue, or resume it."""
        url = f"{self.addresses.prefect_api_url}/work_pools/{self.sandbox.pool}/queues/{name}"
        requests.patch(url, json={"is_paused": paused}, timeout=60).raise_for_status()

    def limit(self, name: str) -> dict[str, Any]:
        """Return a global concurrency limit."""
        url = f"{self.addresses.prefect_api_url}/v2/concurrency_limits/{name}"
        found: dict[str, Any] = requests.get(url, timeout=60).json()
        return found

    def set_limit(self, name: str, **changes: Any) -> None:
        """Change a global concurrency limit, as in the UI."""
        url = f"{self.addresses.prefect_api_url}/v2/concurrency_limits/{name}"
        requests.patch(url, json=changes, timeout=60).raise_for_status()

    def simulator(self, path: str, **body: Any) -> dict[str, Any]:
        """POST to the simulator's control API."""
        answer = requests.post(f"{self.addresses.genesys_api_url}/_sim/{path}", json=body, timeout=60)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def revise(self, interaction_id: str, kind: str, **options: Any) -> None:
        """Change a stored conversation in the simulator, in a later second than that of the row's answer."""
        self.until_later_second(interaction_id)
        self.simulator(f"conversations/{interaction_id}/events", type=kind, **options)

    def until_later_second(self, interaction_id: str) -> None:
        """Wait until an answer of Genesys's has a later second than that of the row's answer.

        Genesys dates its answers by whole seconds: of two answers of one second none is surely the later.
        """
        fetched = datetime.fromisoformat(self.stored_row(interaction_id)["fetchedAt"])
        self.until(lambda: datetime.now(UTC) >= fetched + timedelta(seconds=1))

    def simulator_state(self) -> dict[str, Any]:
        """Return the simulator's counters."""
        state: dict[str, Any] = requests.get(f"{self.addresses.genesys_api_url}/_sim", timeout=60).json()
        return state

    def genesys_targets(self) -> list[str]:
        """Return path and query of the last 10,000 requests to the simulator, since its last reset."""
        answer = requests.get(f"{self.addresses.genesys_api_url}/_sim/targets", timeout=60)
        found: list[str] = answer.json()["targets"]
        return found

    def genesys_requests(self, name: str) -> int:
        """Return how many requests of a name (method and path) the simulator has had."""
        return int(self.simulator_state()["by_path"].get(name, 0))

    def asked_for(self, *interaction_ids: str) -> list[str]:
        """Return the targets of the requests that named one of these, of the last 10,000 requests."""
        answer = requests.get(f"{self.addresses.genesys_api_url}/_sim/targets", timeout=60)
        targets = answer.json()["targets"]
        return [target for target in targets if any(each in target for each in interaction_ids)]

    def note_personal(self) -> None:
        """Add the personal strings that the simulator has returned to PERSONAL: a reset deletes its list."""
        answer = requests.get(f"{self.addresses.genesys_api_url}/_sim/pii", timeout=60)
        PERSONAL.update(answer.json()["strings"])

    def until(self, look: Callable[[], T | None], seconds: float = 180) -> T:
        """Poll until `look` returns something true; return that. Fails after `seconds`.

        What takes a server long is asked for half of the time at most: it has work to do meanwhile.
        """
        deadline = time.monotonic() + seconds
        while (began := time.monotonic()) < deadline:
            if seen := look():
                return seen
            time.sleep(max(_POLL, time.monotonic() - began))
        raise AssertionError(f"nothing was found within {seconds:.0f} s")


def pause_schedules(prefect_api_url: str) -> None:
    """Pause every deployment that has a schedule."""
    for found in requests.post(f"{prefect_api_url}/deployments/filter", json={}, timeout=60).json():
        if found["schedules"]:
            url = f"{prefect_api_url}/deployments/{found['id']}/pause_deployment"
            requests.post(url, json={}, timeout=60).raise_for_status()


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item of DynamoDB as plain values."""
    return {name: _deserialize(value) for name, value in item.items()}


@contextmanager
def replaced_worker(sandbox: Sandbox, **environment: str) -> Iterator[datetime]:
    """Replace the sandbox's one worker by one with more environment variables; yield a moment without any worker."""
    sandbox.children.pop("worker 1").stop()
    between = datetime.now(UTC)
    other = sandbox.start_worker(next(_numbers), **environment)
    try:
        yield between
    finally:
        sandbox.children.pop(other.name).stop()
        sandbox.start_worker(1)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Return a running sandbox with scaled delays."""
    with Sandbox(tmp_path_factory.mktemp("sandbox"), environment=SCALED) as running:
        driver = SandboxDriver(running)
        driver.pause_schedules()
        driver.set_limit("genesys-requests-background", limit=300)  # no reconcile waits for the next minute
        yield running


@pytest.fixture
def driver(sandbox: Sandbox) -> Iterator[SandboxDriver]:
    """Return a driver of the sandbox; the simulator is reset after the test."""
    running = SandboxDriver(sandbox)
    yield running
    running.note_personal()
    running.simulator("reset")
