"""The five worst faults, a share of 200 events each; `make faults` tries all of them, and mixtures."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

import pytest

from tests.faults import faults_of_prefect, faults_of_stores, faults_of_workers
from tests.faults.fault import Fault
from tests.faults.ledger import told
from tests.faults.stand import Stand
from tests.faults.trial import attempt

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

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
    trial = attempt(stand, [fault], EVENTS // len(WORST), stand.rng.randrange(1_000_000), patience=180)
    sys.stdout.write(f"{trial.name}: {told(trial.balance)}\n")
    assert trial.balance.findings == []
    assert set(trial.balance.outcomes) <= {"saved", "deferred, then saved", "unchanged", "rejected"}
