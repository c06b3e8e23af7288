"""`verify` against the sandbox: a real Prefect server, a worker, the bridge, the Genesys simulator."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from deployments.sandbox.sandbox import Sandbox
from tests.support.sandbox import SandboxDriver
from tests.support.stack import infra

# Five servers start first, which may take minutes on a shared machine.
pytestmark = [pytest.mark.long, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Return a running sandbox."""
    with Sandbox(tmp_path_factory.mktemp("verified")) as sandbox:
        SandboxDriver(sandbox).pause_schedules()
        yield sandbox


@pytest.fixture
def user(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> SandboxDriver:
    """Return a driver; the environment has the variables of the sandbox's env file, and no others."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PREFECT_", "GENESYS_", "INFRA_")):
            monkeypatch.delenv(name)
    for name, value in running.addresses.environment().items():
        monkeypatch.setenv(name, value)
    return SandboxDriver(running)


def verified(*words: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Return the exit code and the checks by name."""
    answer = infra("verify", "--json", *words)
    assert answer.stdout, answer.stderr
    return answer.returncode, {each["name"]: each for each in json.loads(answer.stdout)}


def failing() -> set[str]:
    """Return the names of the checks that fail, without sending an event."""
    code, checks = verified("--no-send")
    found = {name for name, each in checks.items() if each["state"] == "fail"}
    assert code == int(bool(found))
    assert all(checks[name]["hint"] for name in found)
    return found


def live(user: SandboxDriver) -> dict[str, Any]:
    """Return the deployment that the bridge creates runs of."""
    url = f"{user.addresses.prefect_api_url}/deployments/name/process-interactions/live"
    return dict(requests.get(url, timeout=60).json())


def test_every_check_of_a_sandbox_passes(user: SandboxDriver) -> None:
    """No check fails or is unknown; the synthetic event is saved, the second time in the same row."""
    for _ in range(2):
        code, checks = verified("--wait", "180")
        assert {name: each for name, each in checks.items() if each["state"] != "pass"} == {}
        assert code == 0
        assert checks["synthetic event"]["found"].startswith("saved")
    assert len(user.rows(user.addresses.interaction_table)) == 1
    assert user.rows(user.addresses.quarantine_table) == []


def test_a_paused_deployment_of_a_real_server_is_named(user: SandboxDriver) -> None:
    """A deployment that was paused in the UI is the only failure, and none after it is resumed."""
    path = f"/deployments/{live(user)['id']}"
    for action, expected in (("pause", {"Prefect deployment"}), ("resume", set())):
        url = f"{user.addresses.prefect_api_url}{path}/{action}_deployment"
        requests.post(url, timeout=60).raise_for_status()
        assert failing() == expected


def test_a_crashed_run_of_a_real_server_is_named(user: SandboxDriver) -> None:
    """A run that crashed in the last hour is the only failure."""
    deployment = live(user)
    body = {"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": "2100-01-01T00:00:00Z"}}}
    run = user.api(f"/deployments/{deployment['id']}/create_flow_run", {"parameters": {"events": []}, **body})
    try:
        crashed = {"type": "CRASHED", "name": "Crashed"}
        user.api(f"/flow_runs/{run['id']}/set_state", {"state": crashed, "force": True})
        assert failing() == {"Prefect runs"}
    finally:
        url = f"{user.addresses.prefect_api_url}/flow_runs/{run['id']}"
        requests.delete(url, timeout=60).raise_for_status()
    assert failing() == set()


@pytest.mark.usefixtures("user")
def test_a_wrong_secret_of_genesys_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong secret is one failure; the checks that need a token are unknown."""
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", "wrong")
    _, checks = verified("--no-send")
    states = {name: each["state"] for name, each in checks.items() if name.startswith("Genesys")}
    assert states == {
        "Genesys credentials": "fail",
        "Genesys permissions": "unknown",
        "Genesys attributes": "pass",
        "Genesys directory": "unknown",
        "Genesys integration": "unknown",
    }
