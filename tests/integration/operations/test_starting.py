"""`interactions trigger`, `replay` and `reconcile` in a sandbox: they wait, say how it ended, and link the run."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Callable

import pytest

from tests.support.preloaded import run_python
from tests.support.sandbox import SandboxDriver

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(driver: SandboxDriver) -> Run:
    """Return a function that runs `interactions` in the sandbox's environment; None removes a variable."""

    def command(*words: str, stdin: str = "", **changes: str | None) -> subprocess.CompletedProcess[str]:
        known = {**driver.sandbox.environment(), **changes}
        return run_python("-m", "deployments.cli", *words, environment=known, stdin=stdin)

    return command


def test_sample_events_go_the_whole_way(driver: SandboxDriver, run: Run) -> None:
    """From the bus to the table; standard output has the ids alone, so that a shell can keep them."""
    done = run("trigger", "--count", "3")
    ids = done.stdout.split()
    assert (done.returncode, len(ids)) == (0, 3), done.stderr
    assert "Completed: " in done.stderr
    assert f"{driver.sandbox.ui_url}/runs/flow-run/" in done.stderr
    for id_ in ids:
        driver.until_settled(id_)


def test_a_bad_event_ends_as_rejected(run: Run) -> None:
    """The run fails, so the exit code is 1; the message says how many were rejected."""
    done = run("trigger", "--bad", "--json")
    (ended,) = json.loads(done.stdout)["runs"]
    assert (done.returncode, ended["state"]) == (1, "Failed"), done.stderr
    assert "1 rejected" in ended["message"]


def test_without_a_bus_events_go_straight_to_prefect(driver: SandboxDriver, run: Run) -> None:
    """Of interactions that are named: Genesys does not know invented ones."""
    id_ = str(uuid.uuid4())
    done = run("trigger", id_, EVENT_BUS=None)
    assert (done.returncode, done.stdout.split()) == (0, [id_]), done.stderr
    driver.until_settled(id_)


def test_a_replay_waits_and_says_how_it_ended(driver: SandboxDriver, run: Run) -> None:
    """The state's message and the link; ids come from standard input, too."""
    ids = [str(uuid.uuid4()) for _ in range(2)]
    done = run("replay", ids[0], "-", stdin=f"{ids[1]}\n")
    assert done.returncode == 0, done.stderr
    assert "Completed: 2 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed" in done.stdout
    assert f"{driver.sandbox.ui_url}/runs/flow-run/" in done.stdout
    assert driver.settled(ids[0])


def test_a_replay_that_fails_says_why(driver: SandboxDriver, run: Run) -> None:
    """An id that nobody knows: exit code 1, and the reason."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", unknown_ids=[id_])
    done = run("replay", id_, "--json")
    (ended,) = json.loads(done.stdout)["runs"]
    assert (done.returncode, ended["state"]) == (1, "Failed"), done.stderr
    assert "unknown-to-genesys" in ended["message"]


def test_what_is_not_waited_for_is_linked(driver: SandboxDriver, run: Run) -> None:
    """A reconcile that is only started: exit code 0, its state and its link."""
    done = run("reconcile", "--last-hours", "1", "--unsettled", "share", "--no-wait", "--json")
    (started,) = json.loads(done.stdout)["runs"]
    assert done.returncode == 0, done.stderr
    assert started["url"].endswith(started["id"])
    given = driver.finished(started["id"], 120)["parameters"]
    assert (given["last_hours"], given["unsettled"]) == (1, "share")
