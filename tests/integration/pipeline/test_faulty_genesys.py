"""Errors, time-outs and short-lived tokens of Genesys Cloud at once: nothing is lost."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.events import event_text
from tests.support.sandbox import SandboxDriver, replaced_worker

COUNT = 1_000
RUN = 50  # interactions of a run: five requests, so that many of them fail


@pytest.fixture
def short_timeout_driver(driver: SandboxDriver) -> Iterator[SandboxDriver]:
    """Return a driver of the sandbox while its worker has a read time-out of 1 s and batches of ten."""
    with replaced_worker(driver.sandbox, GENESYS_READ_TIMEOUT="1", GENESYS_BATCH_SIZE="10"):
        yield driver


def test_a_thousand_interactions_are_stored_despite_faults(short_timeout_driver: SandboxDriver) -> None:
    """With 5 % of 500s, 5 % of time-outs and tokens that live 5 s, 1,000 interactions are 1,000 settled rows."""
    before = short_timeout_driver.simulator_state()
    short_timeout_driver.simulator("faults", revoke_tokens=True, token_life=5)
    short_timeout_driver.simulator("faults", error_rate=0.05, timeout_rate=0.05, timeout_seconds=3, seed=7)
    ids = [str(uuid.uuid4()) for _ in range(COUNT)]
    runs = [
        short_timeout_driver.create_run([event_text(id_) for id_ in ids[start : start + RUN]])
        for start in range(0, COUNT, RUN)
    ]
    ended = Counter(short_timeout_driver.finished(run)["state_type"] for run in runs)
    assert ended == {"COMPLETED": len(runs)}  # what could not be fetched was deferred
    wanted = set(ids)
    short_timeout_driver.until(lambda: wanted <= settled(short_timeout_driver))
    short_timeout_driver.until(lambda: renewed(short_timeout_driver, before))
    state = short_timeout_driver.simulator_state()
    assert state["faults_struck"].get("error", 0) > 0
    assert state["faults_struck"].get("timeout", 0) > 0
    assert not [row for row in short_timeout_driver.quarantined() if row.get("interactionId") in wanted]


def renewed(driver: SandboxDriver, before: dict[str, Any]) -> bool:
    """Process one more interaction; return whether the token was renewed when it had expired, as well as at first."""
    driver.finished(driver.create_run([event_text(str(uuid.uuid4()))]))
    issued = int(driver.simulator_state()["tokens"]["issued"])
    return issued - int(before["tokens"]["issued"]) > 1


def settled(driver: SandboxDriver) -> set[str]:
    """Return the interactions that are settled and not deferred."""
    rows = driver.rows(driver.addresses.interaction_table)
    return {row["interactionId"] for row in rows if row.get("settled") and "dueAt" not in row}
