"""The limit of deferral: which attempts count, and which deferrals a run may end."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tasks.stores import Deferral, Provenance
from tests.support.events import event_text
from tests.support.sandbox import SCALED, SandboxDriver
from tests.support.stored import interaction_table

# The last attempt; after it an interaction is deferred no more.
LAST = 1 + int(float(SCALED["DEFERRAL_LIMIT"]) / float(SCALED["DEFERRAL_INTERVAL"]))


def outcome(driver: SandboxDriver, run_id: str) -> dict[str, str]:
    """Wait until a run has ended; return its one outcome."""
    driver.finished(run_id)
    (found,) = driver.outcomes(run_id)
    return found


def create_run(driver: SandboxDriver, interaction_id: str, *, attempt: int) -> str:
    """Create a run of one interaction; return its id."""
    return driver.create_run([event_text(interaction_id)], attempt)


def test_an_interaction_that_genesys_never_knew_is_quarantined(driver: SandboxDriver) -> None:
    """After the last attempt the placeholder is deleted, and the quarantine row has the reason."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", unknown_ids=[id_])
    assert outcome(driver, create_run(driver, id_, attempt=LAST - 1))["outcome"] == "deferred"
    (row,) = driver.until(lambda: driver.quarantined(interactionId=id_))
    assert (row["reason"], row["code"]) == ("failed", "never-known")
    driver.until(lambda: driver.row(id_) is None)


def test_an_interaction_that_never_settles_is_saved_unsettled(driver: SandboxDriver) -> None:
    """After the last attempt the record stays, unsettled, and is deferred no more."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", not_settled_ids=[id_])
    assert outcome(driver, create_run(driver, id_, attempt=LAST))["outcome"] == "saved"
    row = driver.row(id_) or {}
    assert row["settled"] is False
    assert not {"dueAt", "deferredBy", "deferredSince", "throttled"} & row.keys()


def test_throttled_attempts_do_not_count(driver: SandboxDriver) -> None:
    """An attempt that Genesys throttled does not count towards the limit: another one follows."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", throttle={"retry_after": 1800, "for_seconds": 600})
    assert outcome(driver, create_run(driver, id_, attempt=LAST - 1))["outcome"] == "deferred"
    assert driver.stored_row(id_)["deferredFor"] == "throttled"
    driver.simulator("faults", throttle=None, unknown_ids=[id_])
    (row,) = driver.until(lambda: driver.quarantined(interactionId=id_))
    assert row["code"] == "never-known"
    attempts = {run["parameters"]["attempt"]: run for run in driver.runs_with(id_)}
    assert attempts[LAST]["parameters"]["throttled"] == 1
    assert outcome(driver, attempts[LAST]["id"])["outcome"] == "deferred"
    assert max(attempts) > LAST


@pytest.mark.parametrize("fault", ["unknown_ids", "not_settled_ids"])
def test_a_run_ends_no_deferral_of_another_run(driver: SandboxDriver, fault: str) -> None:
    """At the last attempt of a run, a deferral by another run stands."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", **{fault: [id_]})
    due_at = defer(driver, id_, attempt=2)
    found = outcome(driver, create_run(driver, id_, attempt=LAST))
    assert (found["outcome"], found["dueAt"]) == ("deferred", due_at)
    assert driver.stored_row(id_)["dueAt"] == due_at
    assert not driver.quarantined(interactionId=id_)


def test_an_outage_leaves_a_deferral_unchanged(driver: SandboxDriver) -> None:
    """A run that cannot reach Genesys schedules no later run where another one is due."""
    id_ = str(uuid.uuid4())
    due_at = defer(driver, id_, attempt=6)
    driver.simulator("faults", error_rate=1.0, status=503)
    found = outcome(driver, create_run(driver, id_, attempt=1))
    assert (found["outcome"], found["dueAt"]) == ("deferred", due_at)
    row = driver.row(id_) or {}
    assert (row["dueAt"], row["attempt"]) == (due_at, 6)
    assert len(driver.runs_with(id_)) == 1


def defer(driver: SandboxDriver, interaction_id: str, attempt: int) -> str:
    """Defer the interaction for an hour in the name of another run; return when it is due."""
    deferral = Deferral(datetime.now(UTC) + timedelta(hours=1), attempt)
    interaction_table(driver).defer(interaction_id, Provenance("another-run", attempt - 1), deferral)
    return str(driver.stored_row(interaction_id)["dueAt"])


def test_a_refused_request_fails_the_run_and_loses_nothing(driver: SandboxDriver) -> None:
    """An error that is not about one interaction is in the failed run's message; all are deferred."""
    ids = [str(uuid.uuid4()) for _ in range(3)]
    driver.simulator("faults", error_rate=1.0, status=409, strikes="api")
    run = driver.finished(driver.create_run([event_text(id_) for id_ in ids]))
    assert run["state_type"] == "FAILED"
    assert "409 request.conflict" in run["state"]["message"]
    assert "3 deferred" in run["state"]["message"]
    assert {driver.stored_row(id_)["deferredFor"] for id_ in ids} == {"refused"}
    driver.simulator("reset", only=["faults"])
    driver.until(lambda: all(driver.settled(id_) for id_ in ids))
    assert not [row for row in driver.quarantined() if row.get("interactionId") in ids]
