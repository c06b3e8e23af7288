"""The five worst faults, a share of 200 events each; `make faults` tries all of them, and mixtures."""

from __future__ import annotations

import random
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.faults import faults_of_prefect, faults_of_stores, faults_of_workers
from tests.faults.fault import Fault
from tests.faults.ledger import told
from tests.faults.rules import Rule
from tests.faults.stand import Stand
from tests.faults.trial import attempt
from tests.integration.sandbox import Driver
from tests.integration.test_pipeline import event_text

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

EVENTS = 200
WORST = (
    Fault("a worker killed in save", faults_of_workers.killed_in_save),
    Fault("both workers killed at once", faults_of_workers.killed_at_once),
    Fault("Prefect's server killed", faults_of_prefect.server_killed),
    Fault("the bridge killed before it heard", faults_of_prefect.bridge_killed),
    Fault("answers of DynamoDB and S3 lost", faults_of_stores.unanswered),
)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A sandbox that can be broken."""
    seed = random.SystemRandom().randrange(1_000_000)
    sys.stdout.write(f"seed {seed}\n")
    with Stand.up(tmp_path_factory.mktemp("faults"), seed, lambda _: None) as running:
        yield running


@pytest.mark.parametrize("fault", WORST, ids=lambda fault: fault.name)
def test_nothing_is_lost_and_nothing_doubled(stand: Stand, fault: Fault) -> None:
    """Every event that came before, during and after the fault ends as one true row, or in quarantine if invalid."""
    trial = attempt(stand, [fault], EVENTS // len(WORST), stand.rng.randrange(1_000_000), patience=300)
    sys.stdout.write(f"{trial.name}: {told(trial.balance)}\n")
    assert trial.balance.findings == []
    assert set(trial.balance.outcomes) <= {"saved", "deferred, then saved", "unchanged", "rejected"}


@pytest.mark.parametrize(
    "silent", ["GET /api/flow_run_states", "GET /api/flow_runs/|GET /api/flow_run_states"]
)
def test_a_run_that_prefect_answers_with_500_is_no_failed_run(stand: Stand, silent: str) -> None:
    """A run that is done again asks what became of it before; no answer to that, or to its going back, costs it.

    It ends Completed with its outcomes counted, instead of Failed without any.
    """
    driver = Driver(stand.sandbox)
    run_id = driver.create_run([event_text(str(uuid.uuid4()))])
    driver.finished(run_id)
    with stand.detours.wrong("prefect", Rule("answer", silent, most=2, status=500, body="{}")):
        before = stand.detours.done("prefect").get("answer", 0)
        url = f"{driver.addresses.prefect_api_url}/flow_runs/{run_id}/set_state"
        state = {"type": "SCHEDULED", "name": "WorkerLost"}
        requests.post(url, json={"state": state, "force": True}, timeout=10).raise_for_status()
        driver.until(lambda: stand.detours.done("prefect").get("answer", 0) >= before + 2, 120)
    driver.until(lambda: counted(driver.finished(run_id, 120)), 120)


def counted(run: dict[str, Any]) -> bool:
    """Whether a run ended with its outcomes counted; it must not have ended any other way."""
    if run["state_type"] == "CRASHED":
        return False  # it will be scheduled again
    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    return " saved, " in run["state"]["message"]
