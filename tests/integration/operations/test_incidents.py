"""The five incidents of the runbook, played in a sandbox by their commands: `status` names each, and its end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.sandbox import servers
from deployments.sandbox.incidents import INCIDENTS, Incident
from deployments.sandbox.sandbox import Sandbox
from tests.support.preloaded import no_forks
from tests.support.sandbox import SandboxDriver, pause_schedules

CODES = {
    "throttled": "deferred-throttled",
    "forbidden": "deferred-refused",
    "worker-frozen": "no-worker",
    "prefect-down": "prefect-unreachable",
    "dead-letters": "dead-letters",
}
STEPS = {
    "throttled": "prefect gcl update genesys-requests",
    "forbidden": "interactions verify",
    "worker-frozen": "prefect worker start",
    "prefect-down": "is the server up",
    "dead-letters": "interactions redrive",
}
EVENTS = 3
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a sandbox, as `make sandbox` has one."""
    return tmp_path_factory.mktemp("incidents")


@pytest.fixture(scope="module")
def played(folder: Path) -> Iterator[SandboxDriver]:
    """Return a driver of a sandbox with production's delays, but for what the buffer hands out again."""
    with no_forks(), Sandbox(folder / "run", environment={"SANDBOX_VISIBILITY_SECONDS": "60"}) as running:
        running.addresses.write(folder / "env")
        pause_schedules(running.addresses.prefect_api_url)
        yield SandboxDriver(running)


def run(driver: SandboxDriver, *command: str) -> tuple[int, str]:
    """Return the exit code and output of a command of the project in the sandbox's environment."""
    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-m", *command],
        env=driver.sandbox.environment(),
        cwd=servers.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout


def status(driver: SandboxDriver) -> dict[str, dict[str, Any]]:
    """Return the findings of `interactions status --json` by code; the exit code says whether one needs a person."""
    code, said = run(driver, "deployments.cli", "status", "--json")
    found = json.loads(said)
    assert code == int(found["needsPerson"])
    return {each["code"]: each for each in found["findings"]}


@pytest.mark.parametrize("incident", INCIDENTS)
def test_status_names_the_incident_until_it_is_over(
    played: SandboxDriver, folder: Path, incident: Incident
) -> None:
    """With count, since when and what to do; afterwards it says what it said before, and every event is saved."""
    sandbox = ("--folder", str(folder))
    before = set(status(played))
    code, said = run(played, "deployments.sandbox", "incident", incident, "--events", str(EVENTS), *sandbox)
    assert code == 0
    ids = said.split()
    assert len(ids) == EVENTS
    try:
        found = played.until(lambda: _complete(status(played).get(CODES[incident])))
    finally:
        code, _ = run(played, "deployments.sandbox", "recover", *sandbox)
    assert STEPS[incident] in found["next_step"]
    assert found["count"] == (1 if incident == "worker-frozen" else EVENTS)
    assert code == 0
    for id_ in ids:
        played.until_settled(id_)
    played.until(lambda: set(status(played)) <= before)


def _complete(finding: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a finding that counts what is concerned: the events come one after the other."""
    counted = finding and (finding["code"] == "no-worker" or finding["count"] == EVENTS)
    return finding if counted and finding and finding["since"] else None


def test_without_a_sandbox_there_is_nothing_to_play(tmp_path: Path) -> None:
    """The message says what to start."""
    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-m", "deployments.sandbox", "incident", "throttled", "--folder", str(tmp_path)],
        cwd=servers.ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 1
    assert "make sandbox" in done.stderr
