"""Where patience ends, what it is not spent on, and whose waiting a run may end."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tasks.stores import Deferral, Provenance
from tests.integration.operations import interactions
from tests.integration.sandbox import SCALED, Driver
from tests.integration.test_pipeline import event_text

LAST = 1 + int(float(SCALED["SETTLE_PATIENCE"]) / float(SCALED["SETTLE_EVERY"]))  # after it nobody asks again


def outcome(driver: Driver, run_id: str) -> dict[str, str]:
    """The one outcome of a finished run."""
    driver.finished(run_id)
    (found,) = driver.outcomes(run_id)
    return found


def created(driver: Driver, interaction_id: str, **parameters: int) -> str:
    """A run of one interaction at some attempt; its id."""
    return driver.create_run([event_text(interaction_id)], **parameters)


def test_what_genesys_never_knew_is_quarantined_with_that_reason(driver: Driver) -> None:
    """At the end of patience the placeholder disappears, and quarantine says why."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", unknown_ids=[id_])
    assert outcome(driver, created(driver, id_, attempt=LAST - 1))["outcome"] == "deferred"
    (row,) = driver.until(lambda: driver.quarantined(interactionId=id_))
    assert (row["reason"], row["code"]) == ("failed", "never-known")
    driver.until(lambda: driver.row(id_) is None)


def test_what_never_settles_is_saved_as_it_is(driver: Driver) -> None:
    """At the end of patience the record stays, unsettled, and waits for nothing."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", not_settled_ids=[id_])
    assert outcome(driver, created(driver, id_, attempt=LAST))["outcome"] == "saved"
    row = driver.row(id_) or {}
    assert row["settled"] is False
    assert not {"dueAt", "deferredBy", "throttled"} & row.keys()


def test_throttling_costs_no_patience(driver: Driver) -> None:
    """An attempt that Genesys's limits stood against does not count: the answer after it is not the last."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", throttle={"retry_after": 1800, "for_seconds": 600})
    assert outcome(driver, created(driver, id_, attempt=LAST - 1))["outcome"] == "deferred"
    driver.simulator("faults", throttle=None, unknown_ids=[id_])
    (row,) = driver.until(lambda: driver.quarantined(interactionId=id_))
    assert row["code"] == "never-known"
    attempts = {run["parameters"]["attempt"]: run for run in driver.runs_with(id_)}
    assert attempts[LAST]["parameters"]["throttled"] == 1
    assert outcome(driver, attempts[LAST]["id"])["outcome"] == "deferred"
    assert max(attempts) > LAST


@pytest.mark.parametrize("fault", ["unknown_ids", "not_settled_ids"])
def test_a_run_ends_no_other_runs_waiting(driver: Driver, fault: str) -> None:
    """Where this run's patience has ended and another run has put the interaction off, it waits for that."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", **{fault: [id_]})
    due_at = put_off(driver, id_, attempt=2)
    found = outcome(driver, created(driver, id_, attempt=LAST))
    assert (found["outcome"], found["dueAt"]) == ("deferred", due_at)
    assert (driver.row(id_) or {})["dueAt"] == due_at
    assert not driver.quarantined(interactionId=id_)


def test_an_outage_leaves_what_waits_to_its_time(driver: Driver) -> None:
    """A run that cannot reach Genesys finds that a later run is on its way, and makes none of its own."""
    id_ = str(uuid.uuid4())
    due_at = put_off(driver, id_, attempt=6)
    driver.simulator("faults", error_rate=1.0, status=503)
    found = outcome(driver, created(driver, id_, attempt=1))
    assert (found["outcome"], found["dueAt"]) == ("deferred", due_at)
    row = driver.row(id_) or {}
    assert (row["dueAt"], row["attempt"]) == (due_at, 6)
    assert len(driver.runs_with(id_)) == 1


def put_off(driver: Driver, interaction_id: str, attempt: int) -> str:
    """Let another run have put the interaction off for an hour; until when."""
    deferral = Deferral(datetime.now(UTC) + timedelta(hours=1), attempt)
    interactions(driver).defer(interaction_id, Provenance("another-run", attempt - 1), deferral)
    return str((driver.row(interaction_id) or {})["dueAt"])


def test_a_request_that_is_refused_as_a_whole_is_loud_and_loses_nothing(driver: Driver) -> None:
    """What Genesys refuses of no interaction in particular is for a person to look at: the run says what it was."""
    ids = [str(uuid.uuid4()) for _ in range(3)]
    driver.simulator("faults", error_rate=1.0, status=409)
    run = driver.finished(driver.create_run([event_text(id_) for id_ in ids]))
    assert run["state_type"] == "FAILED"
    assert "409 request.conflict" in run["state"]["message"]
    assert "3 deferred" in run["state"]["message"]
    driver.simulator("reset", only=["faults"])
    driver.until(lambda: all(driver.settled(id_) for id_ in ids))
    assert not [row for row in driver.quarantined() if row.get("interactionId") in ids]
