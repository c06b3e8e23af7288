"""A Genesys Cloud on a bad day: errors, time-outs and short-lived tokens, and nothing is lost."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.integration.sandbox import Driver
from tests.integration.test_pipeline import event_text

COUNT = 1_000
RUN = 50  # interactions of a run: five requests, so that many are struck


@pytest.fixture
def impatient(driver: Driver) -> Iterator[Driver]:
    """A user of the sandbox while its worker waits a second for Genesys and asks for ten at once."""
    sandbox = driver.sandbox
    sandbox.children.pop("worker 1").stop()
    hasty = sandbox.start_worker(20, GENESYS_READ_TIMEOUT="1", GENESYS_BATCH_SIZE="10")
    try:
        yield driver
    finally:
        sandbox.children.pop(hasty.name).stop()
        sandbox.start_worker(1)


def test_a_thousand_interactions_survive_a_bad_day(impatient: Driver) -> None:
    """5 % of 500s, 5 % of time-outs, a token that lives 5 s: 1,000 interactions, 1,000 settled rows."""
    before = impatient.simulator_state()
    impatient.simulator("faults", revoke_tokens=True, token_life=5)
    impatient.simulator("faults", error_rate=0.05, timeout_rate=0.05, timeout_seconds=3, seed=7)
    ids = [str(uuid.uuid4()) for _ in range(COUNT)]
    runs = [
        impatient.create_run([event_text(id_) for id_ in ids[start : start + RUN]])
        for start in range(0, COUNT, RUN)
    ]
    ended = Counter(impatient.finished(run, 120)["state_type"] for run in runs)
    assert ended == {"COMPLETED": len(runs)}  # what could not be fetched was deferred, and nothing failed
    wanted = set(ids)
    impatient.until(lambda: wanted <= settled(impatient), 90)
    state = impatient.simulator_state()
    assert state["faults_struck"].get("error", 0) > 0
    assert state["faults_struck"].get("timeout", 0) > 0
    assert state["tokens"]["issued"] - before["tokens"]["issued"] > 1
    assert not [row for row in impatient.quarantined() if row.get("interactionId") in wanted]


def settled(driver: Driver) -> set[str]:
    """The interactions that are settled and wait for nothing."""
    rows = driver.rows(driver.addresses.interaction_table)
    return {row["interactionId"] for row in rows if row.get("settled") and "dueAt" not in row}
