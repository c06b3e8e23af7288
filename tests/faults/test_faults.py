"""The six worst faults, with a share of 200 events each; `make faults` injects all of them, and combinations."""

from __future__ import annotations

import random
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from deployments.resources import STOCK_POOL, WARM_POOL
from tests.faults import prefect_faults, store_faults, worker_faults
from tests.faults.fault import Fault
from tests.faults.fault_sandbox import FaultSandbox
from tests.faults.proxy_rules import Rule
from tests.faults.trial import Trial, run_trial
from tests.faults.verification import summary
from tests.support.events import event_text
from tests.support.sandbox import SandboxDriver

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

EVENTS = 200
WORST = (
    Fault("a worker killed in save", worker_faults.killed_in_save),
    Fault("both workers killed at once", worker_faults.killed_at_once),
    Fault("both workers killed in publish", worker_faults.killed_in_publish, seconds=25),
    Fault("Prefect's server killed", prefect_faults.server_killed),
    Fault("the bridge killed before it heard", prefect_faults.bridge_killed),
    Fault("answers of DynamoDB and S3 lost", store_faults.unanswered),
)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultSandbox]:
    """Return a sandbox for fault injection, in which no reconcile runs: whatever is lost comes back without it."""
    with started(tmp_path_factory.mktemp("faults")) as running:
        yield running


@contextmanager
def started(folder: Path, pool: str = WARM_POOL) -> Iterator[FaultSandbox]:
    """Start such a sandbox, with a seed that the test's output names."""
    seed = random.SystemRandom().randrange(1_000_000)
    sys.stdout.write(f"seed {seed}\n")
    with FaultSandbox.start(folder, seed, lambda _: None, reconcile=False, pool=pool) as running:
        yield running


@pytest.mark.parametrize("fault", WORST, ids=lambda fault: fault.name)
def test_nothing_is_lost_and_nothing_doubled(target: FaultSandbox, fault: Fault) -> None:
    """Events from before, during and after the fault end as one true row each, or in quarantine if invalid.

    What was erased meanwhile has no content anywhere, though its events came before, during and after.
    """
    trial = balanced(target, fault, EVENTS // len(WORST))
    outcomes = {"saved", "deferred, then saved", "unchanged", "rejected", "erased"}
    assert set(trial.comparison.outcomes) <= outcomes
    assert trial.comparison.outcomes["erased"]


def test_on_the_stock_pool_the_runs_of_killed_workers_come_back(tmp_path: Path) -> None:
    """Prefect's own process workers are killed with their runs, and its heartbeats say so: no reconcile is needed."""
    with started(tmp_path, STOCK_POOL) as target:
        balanced(target, Fault("both workers killed at once", worker_faults.killed_at_once), 20)


def balanced(target: FaultSandbox, fault: Fault, events: int) -> Trial:
    """Inject a fault while so many events come; return the trial, which has left no discrepancy."""
    trial = run_trial(target, [fault], events, target.rng.randrange(1_000_000), timeout=300)
    sys.stdout.write(f"{trial.name}: {summary(trial.comparison)}\n")
    assert trial.comparison.discrepancies == []
    return trial


@pytest.mark.parametrize(
    "unanswered", ["GET /api/flow_run_states", "GET /api/flow_runs/|GET /api/flow_run_states"]
)
def test_a_run_survives_errors_of_prefect_while_it_looks_up_its_own_states(
    target: FaultSandbox, unanswered: str
) -> None:
    """A run that is scheduled again asks Prefect for its former states; a 500 then, or at rescheduling, fails it not.

    It ends Completed with its outcomes counted, instead of Failed without any.
    """
    driver = SandboxDriver(target.sandbox)
    run_id = driver.create_run([event_text(str(uuid.uuid4()))])
    driver.finished(run_id)
    rule = Rule("answer", unanswered, max_requests=2, status=500, body="{}")
    with target.proxies.rules("prefect", rule):
        before = target.proxies.applied("prefect").get("answer", 0)
        url = f"{driver.addresses.prefect_api_url}/flow_runs/{run_id}/set_state"
        state = {"type": "SCHEDULED", "name": "WorkerLost"}
        requests.post(url, json={"state": state, "force": True}, timeout=10).raise_for_status()
        driver.until(lambda: target.proxies.applied("prefect").get("answer", 0) >= before + 2, 120)
    driver.until(lambda: completed_with_outcomes(driver.finished(run_id, 120)), 120)


def completed_with_outcomes(run: dict[str, Any]) -> bool:
    """Return whether a run has ended with its outcomes counted; it may not end any other way but Crashed."""
    if run["state_type"] == "CRASHED":
        return False  # it will be scheduled again
    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    return " saved, " in run["state"]["message"]
