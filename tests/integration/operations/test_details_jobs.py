"""Reconcile by details jobs: what the table lacks is stored, and an older lake overwrites nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.support.events import event_text
from tests.support.intervals import NO_RESTARTS, add_conversations, checkpoint, day, iso, midnight
from tests.support.prefect_runs import artifacts_of, reconcile
from tests.support.sandbox import SandboxDriver

BY_JOBS = {**NO_RESTARTS, "mode": "jobs"}
JOBS = "/api/v2/analytics/conversations/details/jobs"


@pytest.fixture(autouse=True)
def _empty_genesys(driver: SandboxDriver) -> None:
    """Reset the simulator, which lists the conversations of earlier tests as well."""
    driver.simulator("reset")


def lag_until(driver: SandboxDriver, moment: datetime) -> None:
    """Let Genesys's data lake be complete until a moment, later by the time that has passed since."""
    driver.simulator("faults", lake_lag=(datetime.now(UTC) - moment).total_seconds())


def test_what_the_table_lacks_is_stored_and_the_tail_is_left_and_named(driver: SandboxDriver) -> None:
    """A later run of the same interval reads the tail alone."""
    interval, days = {"start": iso(midnight(112)), "end": iso(midnight(110))}, (112, 110)
    old = add_conversations(driver, 20, **day(112))
    # None began within the hour that the lake may be ahead by then.
    fresh = add_conversations(
        driver, 20, start=iso(midnight(111) + timedelta(hours=1)), end=iso(midnight(110))
    )
    driver.finished(driver.create_run([event_text(id_) for id_ in old[:5]]))
    edge = midnight(111)
    lag_until(driver, edge)

    first = reconcile(driver, **interval, **BY_JOBS)

    assert first["state_type"] == "COMPLETED"
    message = first["state"]["message"]
    assert message.startswith("20 seen, 5 present, 15 added, 0 updated")
    assert f"Genesys's data lake is complete until {iso(edge)[:-6]}" in message
    assert f"to {iso(midnight(110))[:-1]}.000Z was not asked for" in message
    assert "goes on there" in artifacts_of(driver, first["id"])["reconcile"]["data"]
    assert all(driver.row(id_) for id_ in old)
    assert not any(driver.row(id_) for id_ in fresh)
    assert str(checkpoint(driver, days)).startswith(edge.isoformat()[:13])

    driver.simulator("faults", lake_lag=3600)
    second = reconcile(driver, **interval, **BY_JOBS)
    assert second["state"]["message"].startswith("20 seen, 0 present, 20 added, 0 updated")
    assert "lake" not in second["state"]["message"]
    assert all(driver.row(id_) for id_ in fresh)
    assert checkpoint(driver, days) is None
    assert checkpoint(driver, days, "_job") is None


def test_a_row_that_differs_is_asked_for_and_not_overwritten(driver: SandboxDriver) -> None:
    """A lake that is older than the row changes nothing; where Genesys itself says otherwise, the row follows."""
    newer, older, same, erased = add_conversations(driver, 4, **day(115))
    driver.finished(driver.create_run([event_text(id_) for id_ in (newer, older, same)]))
    tombstone = {"interactionId": erased, "erasedAt": "2026-01-01T00:00:00.000Z"}
    driver.sandbox.client("dynamodb").put_item(
        TableName=driver.addresses.interaction_table,
        Item={name: {"S": value} for name, value in tombstone.items()},
    )
    driver.revise(newer, "corrected")
    driver.finished(driver.create_run([event_text(newer)]))
    driver.simulator("reset", only=["counters"])
    before = {id_: driver.stored_row(id_) for id_ in (newer, older, same)}

    run = reconcile(driver, **day(115), **BY_JOBS)

    assert run["state"]["message"].startswith("4 seen, 2 present, 0 added, 0 updated, 1 erased, 1 differ")
    assert [len(driver.asked_for(id_)) for id_ in (newer, older, same, erased)] == [1, 0, 0, 0]
    for id_, row in before.items():
        assert driver.stored_row(id_)["contentHash"] == row["contentHash"]
        assert driver.stored_row(id_)["version"] >= row["version"]
    assert driver.row(erased) == tombstone

    driver.revise(older, "corrected")
    driver.simulator("faults", lake_lag=0)
    run = reconcile(driver, **day(115), **BY_JOBS)
    assert "1 updated" in run["state"]["message"]
    after = driver.stored_row(older)
    assert after["contentHash"] != before[older]["contentHash"]
    assert driver.stored_row(newer)["contentHash"] == before[newer]["contentHash"]


def test_a_job_that_failed_is_named_and_the_next_run_submits_another(driver: SandboxDriver) -> None:
    """The run is Failed with what to do; without the permission, too."""
    (id_,) = add_conversations(driver, 1, **day(118))
    driver.simulator("faults", job_ends_as="FAILED")
    failed = reconcile(driver, **day(118), **BY_JOBS)
    assert failed["state_type"] == "FAILED"
    assert failed["state"]["message"].startswith("job-failed: Genesys ended the details job")
    driver.simulator(
        "faults", job_ends_as="FULFILLED", missing_permission="analytics:conversationDetail:view"
    )
    refused = reconcile(driver, **day(118), **BY_JOBS)
    assert refused["state"]["message"].startswith("not-permitted")
    assert "permission analytics:conversationDetail:view" in refused["state"]["message"]
    driver.simulator("faults", missing_permission=None)
    assert reconcile(driver, **day(118), **BY_JOBS)["state_type"] == "COMPLETED"
    assert driver.row(id_)
    assert driver.genesys_requests(f"POST {JOBS}") == 2


def test_an_expired_job_is_submitted_anew(driver: SandboxDriver) -> None:
    """The one that an earlier run has noted; a job needs a start, and no schedule."""
    add_conversations(driver, 3, **day(120))
    start, end = midnight(120), midnight(119)
    note = {"start": iso(start), "end": iso(end), "job": "gone", "submitted": iso(end), "cursor": "x"}
    name = f"reconcile_{start:%Y%m%dt%H%M%S}_{end:%Y%m%dt%H%M%S}_job"
    body = {"name": name, "value": note}
    requests.post(f"{driver.addresses.prefect_api_url}/variables/", json=body, timeout=60).raise_for_status()
    run = reconcile(driver, **day(120), **BY_JOBS)
    assert run["state"]["message"].startswith("3 seen, 0 present, 3 added")
    assert driver.genesys_requests(f"POST {JOBS}") == 1
    for wrong in ({"last_days": 2}, {"schedule": "hourly"}):
        refused = reconcile(driver, **wrong, **BY_JOBS)
        assert "invalid-interval: mode jobs is for a back-fill" in refused["state"]["message"]
