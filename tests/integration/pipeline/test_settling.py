"""Deferral: interactions that Genesys does not know yet, has not settled or throttles are fetched again later."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from deployments.sandbox.processes import SandboxError
from tests.support.events import event_text
from tests.support.prefect_runs import refused_run
from tests.support.sandbox import SandboxDriver


def test_an_unsettled_interaction_is_deferred_until_it_settles(driver: SandboxDriver) -> None:
    """The first run stores the record and defers; a later run, named after the attempt, stores the settled one."""
    driver.simulator("faults", not_settled_for=3600)
    id_ = driver.end()
    early = driver.until(lambda: driver.row(id_))
    driver.simulator("faults", not_settled_for=0)
    assert early["settled"] is False
    assert "endedAt" not in early
    assert early["dueAt"] > early["fetchedAt"]
    late = driver.until_settled(id_)
    assert late["endedAt"]
    assert late["attempt"] >= 2
    names = {run["name"] for run in driver.runs_with(id_)}
    assert {id_, f"{id_}, attempt 2"} <= names
    assert len(late["runs"]) == 2


def test_an_interaction_that_genesys_does_not_know_yet_is_a_placeholder(driver: SandboxDriver) -> None:
    """The table has a row with the time of the next attempt, then the record."""
    driver.simulator("faults", unknown_for=3600)
    id_ = driver.end()
    placeholder = driver.until(lambda: driver.row(id_))
    driver.simulator("faults", unknown_for=0)
    assert {"dueAt", "attempt"} <= set(placeholder)
    assert "version" not in placeholder
    assert driver.until_settled(id_)["endedAt"]


def test_a_deferred_interaction_that_genesys_then_refuses_is_quarantined(driver: SandboxDriver) -> None:
    """Its placeholder is deleted, so that reconcile does not fetch it again and again."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", unknown_ids=[id_])
    driver.end(id_)
    assert "dueAt" in driver.until(lambda: driver.row(id_))
    driver.simulator("faults", unknown_ids=[], reject_ids=[id_])
    assert driver.until(lambda: driver.quarantined(interactionId=id_))[0]["reason"] == "failed"
    driver.until(lambda: driver.row(id_) is None)


def test_only_the_unsettled_interactions_of_a_batch_are_deferred(driver: SandboxDriver) -> None:
    """The other interactions are saved at once and not fetched again."""
    slow, quick = str(uuid.uuid4()), str(uuid.uuid4())
    driver.simulator("faults", not_settled_ids=[slow])
    run_id = driver.create_run([event_text(slow), event_text(quick)])
    run = driver.finished(run_id)
    assert run["state_type"] == "COMPLETED"
    assert "1 saved, 0 unchanged, 1 deferred" in run["state"]["message"]
    later = driver.until(lambda: [r for r in driver.runs_with(slow) if r["id"] != run_id])
    assert all(quick not in json.dumps(run["parameters"]) for run in later)


def test_a_long_retry_after_defers_without_sleeping(driver: SandboxDriver) -> None:
    """A 429 with a Retry-After of an hour defers at once; nothing is quarantined, and all is saved later.

    The run ends within the minutes for which the test waits, not after the hour, and has asked once.
    """
    driver.simulator("faults", throttle={"retry_after": 3600, "for_seconds": 600})
    ids = [str(uuid.uuid4()) for _ in range(20)]
    with driver.paused_live():  # the next attempt asks again in a few seconds
        run = driver.finished(driver.create_run([event_text(id_) for id_ in ids], work_queue="replay"))
        assert len([target for target in driver.genesys_targets() if ids[0] in target]) == 1
    assert "20 deferred" in run["state"]["message"]
    driver.until(lambda: len(driver.runs_with(ids[0])) >= 3)  # further attempts
    driver.simulator("faults", throttle=None)
    for id_ in ids:
        driver.until_settled(id_)
    assert not [row for row in driver.quarantined() if row.get("interactionId") in ids]


def test_a_missing_permission_fails_the_run_and_loses_nothing(driver: SandboxDriver) -> None:
    """The run fails with the error in its message; its interactions are saved once the client has the permission."""
    driver.simulator("faults", missing_permission="analytics:conversationDetail:view")
    id_ = str(uuid.uuid4())
    run = driver.finished(driver.create_run([event_text(id_)]))
    assert run["state_type"] == "FAILED"
    assert "not-permitted" in run["state"]["message"]
    assert "1 deferred" in run["state"]["message"]
    driver.simulator("reset", only=["faults"])
    driver.until_settled(id_)


@pytest.mark.parametrize(
    ("fault", "code"), [("reject_ids", "bad-request"), ("endless_ids", "response-too-large")]
)
def test_an_id_that_spoils_its_request_is_quarantined_alone(
    driver: SandboxDriver, fault: str, code: str
) -> None:
    """The batch is split until the id is alone that is refused, or whose answer has no end; the others are saved."""
    ids = [str(uuid.uuid4()) for _ in range(9)]
    driver.simulator("faults", **{fault: [ids[4]]})
    run = driver.finished(driver.create_run([event_text(id_) for id_ in ids]))
    assert "8 saved, 0 unchanged, 0 deferred, 0 rejected, 1 failed" in run["state"]["message"]
    row = driver.until(lambda: driver.quarantined(interactionId=ids[4]))[0]
    assert (row["reason"], row["code"]) == ("failed", code)
    driver.simulator("reset", only=["faults"])
    driver.finished(driver.create_run([event_text(ids[4])]))
    assert driver.settled(ids[4])
    assert not driver.quarantined(interactionId=ids[4])  # a later saved record removes the row


def test_a_conversation_that_ends_twice_ends_as_its_latest_state(driver: SandboxDriver) -> None:
    """The second end of a conversation replaces the first; the run that wrote it is in the row's history."""
    id_ = driver.end()
    first = driver.until_settled(id_)
    driver.revise(id_, "ended-again")
    driver.end(id_)
    second = driver.until(lambda: (row := driver.settled(id_)) and row["endedAt"] > first["endedAt"] and row)
    assert len(second["runs"]) == 2
    assert second["version"] > first["version"]


@pytest.mark.parametrize("limit", ["store-writes", "genesys-requests"])
def test_an_inactive_limit_delays_the_run_and_loses_nothing(driver: SandboxDriver, limit: str) -> None:
    """An inactive limit is not unlimited: the run reschedules itself until the limit is active again."""
    driver.set_limit(limit, active=False)
    try:
        id_, run = refused_run(driver)
        assert limit in run["state"]["message"]
        assert "python -m deployments apply" in run["state"]["message"]
    finally:
        driver.set_limit(limit, active=True)
    assert driver.finished(run["id"])["state_type"] == "COMPLETED"
    assert driver.settled(id_)


def test_the_request_usage_is_an_artifact(driver: SandboxDriver) -> None:
    """An artifact shows how many of the allowed requests were used, and where to change the limit."""
    driver.finished(driver.create_run([event_text(str(uuid.uuid4()))]))
    query = {"artifacts": {"key": {"any_": ["genesys-requests"]}}, "sort": "CREATED_DESC"}

    def look() -> dict[str, Any] | None:  # in the newest version there may be another test's limit
        found = driver.api("/artifacts/filter", query)
        return next((each for each in found if "of 300 requests used" in each["description"]), None)

    shown = driver.until(look)
    assert "| replay and reconcile |" in shown["data"]


def test_a_worker_with_wrong_settings_takes_no_run(driver: SandboxDriver) -> None:
    """It ends with 2 and names the variable, not its value; the run waits for the next worker."""
    id_, sandbox = str(uuid.uuid4()), driver.sandbox
    sandbox.children.pop("worker 1").stop()
    try:
        run_id = driver.create_run([event_text(id_)])
        with pytest.raises(SandboxError, match="ended with 2") as refused:
            sandbox.start_worker(19, DEFERRAL_INTERVAL="never", INTERACTION_TABLE="")
        assert "DEFERRAL_INTERVAL" in str(refused.value)
        assert "INTERACTION_TABLE" in str(refused.value)
        assert "never" not in str(refused.value)
        sandbox.children.pop("worker 19").stop()
    finally:
        sandbox.start_worker(1)
    assert driver.finished(run_id)["state_type"] == "COMPLETED"
    assert driver.settled(id_)
    assert driver.stored_row(id_)["runs"] == [run_id]
