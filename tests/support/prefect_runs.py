"""Flow runs of a sandbox's deployments: started as an operator does, and what they leave in Prefect."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from tests.support.events import event_text
from tests.support.sandbox import SandboxDriver

REPLAY = "replay-interactions/replay"
RECONCILE = "reconcile-interactions/reconcile"
ERASE = "erase-interactions/erase"
REFRESH = "refresh-directory/refresh"
PUBLISH = "publish-interactions/publish"


def start_run(driver: SandboxDriver, deployment: str, **parameters: Any) -> str:
    """Create a run of a deployment (`flow/name`), to start now; return its id."""
    return schedule_run(driver, deployment, parameters)


def schedule_run(
    driver: SandboxDriver,
    deployment: str,
    parameters: dict[str, Any],
    within_hours: float = 0,
    queue: str | None = None,
) -> str:
    """Create a run of a deployment, to start in so many hours, in its work queue or in another; return its id."""
    url = f"{driver.addresses.prefect_api_url}/deployments/name/{deployment}"
    id_ = requests.get(url, timeout=60).json()["id"]
    due = (datetime.now(UTC) + timedelta(hours=within_hours)).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
    body = {"parameters": parameters, "state": state} | ({"work_queue_name": queue} if queue else {})
    path = f"/deployments/{id_}/create_flow_run"
    return str(driver.until(lambda: driver.api(path, body, missing=None))["id"])


def offered(
    driver: SandboxDriver, deployment: str, *, enforced: bool = True, **parameters: Any
) -> requests.Response:
    """Offer Prefect a run with these parameters, compared with the deployment's schema or not; return its answer."""
    api = driver.addresses.prefect_api_url
    id_ = requests.get(f"{api}/deployments/name/{deployment}", timeout=60).json()["id"]
    body = {"parameters": parameters} | ({} if enforced else {"enforce_parameter_schema": False})
    return requests.post(f"{api}/deployments/{id_}/create_flow_run", json=body, timeout=60)


def replay(driver: SandboxDriver, seconds: float = 180, **parameters: Any) -> dict[str, Any]:
    """Replay and return the finished run."""
    return driver.finished(start_run(driver, REPLAY, **parameters), seconds)


def reconcile(driver: SandboxDriver, **parameters: Any) -> dict[str, Any]:
    """Reconcile and return the finished run."""
    return driver.finished(start_run(driver, RECONCILE, **parameters))


def erase(driver: SandboxDriver, **parameters: Any) -> dict[str, Any]:
    """Erase, for a reason, and return the finished run."""
    parameters = {"reason": "TICKET-1"} | parameters
    return driver.finished(start_run(driver, ERASE, **parameters))


def publish(driver: SandboxDriver, **parameters: Any) -> dict[str, Any]:
    """Publish and return the finished run."""
    return driver.finished(start_run(driver, PUBLISH, **parameters))


def follow_up_erasure(driver: SandboxDriver, receipt_id: str) -> dict[str, Any]:
    """Begin the follow-up run of an erasure, which is due in an hour; return it when it has finished."""

    def look() -> dict[str, Any] | None:
        runs = [run for run in driver.runs() if run["parameters"].get("second_pass_of") == receipt_id]
        return runs[0] if runs else None

    run = driver.until(look)
    driver.api(f"/flow_runs/{run['id']}/set_state", {"state": {"type": "SCHEDULED"}, "force": True})
    return driver.finished(run["id"])


def finished_run(driver: SandboxDriver, name: str) -> dict[str, Any]:
    """Wait until the run of that name has ended; return it."""
    found = driver.until(lambda: driver.runs(name={"any_": [name]}))
    return driver.finished(found[0]["id"])


def awaiting_retry(driver: SandboxDriver, run_id: str) -> dict[str, Any]:
    """Wait until a run has rescheduled itself; return it."""
    return driver.until(lambda: _in_a_state(driver, run_id, {"AwaitingRetry"}))


def _in_a_state(driver: SandboxDriver, run_id: str, names: set[str]) -> dict[str, Any] | None:
    (run,) = driver.runs(id={"any_": [run_id]})
    return run if run["state_name"] in names else None


def refused_run(driver: SandboxDriver) -> tuple[str, dict[str, Any]]:
    """Create runs until one reschedules itself; return its interaction and it.

    The first ones may complete: a worker knows a limit for LIMIT_CACHE seconds, and has slots that it was given.
    """

    def look() -> tuple[str, dict[str, Any]] | None:
        id_ = str(uuid.uuid4())
        run_id = driver.create_run([event_text(id_)])
        run = driver.until(lambda: _in_a_state(driver, run_id, {"AwaitingRetry", "Completed"}))
        return (id_, run) if run["state_name"] == "AwaitingRetry" else None

    return driver.until(look)


def logs_with(driver: SandboxDriver, text: str, **logs: Any) -> list[dict[str, Any]]:
    """Wait until one of up to 200 log lines of this filter has the text; return them.

    A process sends its lines every few seconds: they come to Prefect after the run's state.
    """
    query = {"logs": logs, "sort": "TIMESTAMP_DESC", "limit": 200}

    def look() -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = driver.api("/logs/filter", query)
        return found if any(text in each["message"] for each in found) else None

    return driver.until(look)


def artifacts_of(driver: SandboxDriver, run_id: str) -> dict[str, dict[str, Any]]:
    """Return a run's artifacts by key."""
    query = {"artifacts": {"flow_run_id": {"any_": [run_id]}}}
    return {each["key"]: each for each in driver.api("/artifacts/filter", query)}


def artifact_versions(driver: SandboxDriver, key: str) -> list[dict[str, Any]]:
    """Return all versions of an artifact, the newest first."""
    query = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC"}
    found: list[dict[str, Any]] = driver.api("/artifacts/filter", query)
    return sorted(found, key=lambda each: each["created"], reverse=True)
