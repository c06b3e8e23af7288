"""`verify` against everything that is real here: a Prefect server, a worker, the bridge, a Genesys Cloud."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from deployments.sandbox.stack import Sandbox
from tests.infra.aws import infra
from tests.integration.sandbox import Driver

# Five servers start first, which takes minutes where many share few cores.
pytestmark = [pytest.mark.long, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Return a whole sandbox."""
    with Sandbox(tmp_path_factory.mktemp("verified")) as sandbox:
        Driver(sandbox).pause("reconcile-interactions/reconcile")
        yield sandbox


@pytest.fixture
def user(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """Return a user whose shell has sourced the sandbox's env file, and nothing else."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PREFECT_", "GENESYS_", "INFRA_")):
            monkeypatch.delenv(name)
    for name, value in running.addresses.environment().items():
        monkeypatch.setenv(name, value)
    return Driver(running)


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
    assert all(checks[name]["mend"] for name in found)
    return found


def live(user: Driver) -> dict[str, Any]:
    """Return the deployment that the bridge starts."""
    url = f"{user.addresses.prefect_api_url}/deployments/name/process-interactions/live"
    return dict(requests.get(url, timeout=60).json())


def test_every_check_of_a_whole_sandbox_passes(user: Driver) -> None:
    """Nothing fails and nothing is unknown; the synthetic event is saved, and the second time it is the same row."""
    for _ in range(2):
        code, checks = verified("--wait", "90")
        assert {name: each for name, each in checks.items() if each["state"] != "pass"} == {}
        assert code == 0
        assert checks["synthetic event"]["found"].startswith("saved")
    assert len(user.rows(user.addresses.interaction_table)) == 1
    assert user.rows(user.addresses.quarantine_table) == []


def test_a_paused_deployment_of_a_real_server_is_named(user: Driver) -> None:
    """What somebody paused in the UI is the one failure, and none once it goes on."""
    path = f"/deployments/{live(user)['id']}"
    for action, expected in (("pause", {"Prefect deployment"}), ("resume", set())):
        url = f"{user.addresses.prefect_api_url}{path}/{action}_deployment"
        requests.post(url, timeout=60).raise_for_status()
        assert failing() == expected


def test_a_crashed_run_of_a_real_server_is_named(user: Driver) -> None:
    """A run that crashed in the last hour is the one failure."""
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
    """A wrong secret is one failure; what cannot be told without a token is unknown."""
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", "wrong")
    _, checks = verified("--no-send")
    states = {name: each["state"] for name, each in checks.items() if name.startswith("Genesys")}
    assert states == {
        "Genesys credentials": "fail",
        "Genesys permissions": "unknown",
        "Genesys integration": "unknown",
    }
