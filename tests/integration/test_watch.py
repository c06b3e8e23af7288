"""What reconcile looks after besides: dead letters that grow, runs that are nobody works at."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
import requests

from flows.signals import DEAD_LETTERS_GROWING, REJECTIONS_HIGH
from tests.integration.operations import start
from tests.integration.sandbox import SCALED, Driver
from tests.integration.test_pipeline import event_text

RECONCILE = "reconcile-interactions/reconcile"
ERASE = "erase-interactions/erase"


def emitted(driver: Driver, name: str) -> list[dict[str, Any]]:
    """The events of a name in Prefect's event stream."""
    body = {"filter": {"event": {"name": [name]}}, "limit": 50}
    return list(driver.api("/events/filter", body)["events"])


def newly_emitted(driver: Driver, name: str, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Wait for events of a name that were not known before; other tests' runs may have emitted some."""
    ids = {event["id"] for event in known}
    return driver.until(lambda: [event for event in emitted(driver, name) if event["id"] not in ids])


def set_state(driver: Driver, run_id: str, state: str, name: str | None = None) -> None:
    """Put a run into a state, whatever stands against it."""
    url = f"{driver.addresses.prefect_api_url}/flow_runs/{run_id}/set_state"
    body = {"state": {"type": state, "name": name or state.title()}, "force": True}
    requests.post(url, json=body, timeout=10).raise_for_status()


def test_growing_dead_letters_are_told_of_once(driver: Driver) -> None:
    """A message in the dead-letter queue is an event in Prefect; the same number again is none."""
    url = driver.addresses.dead_letter_queue_url
    sqs = driver.sandbox.client("sqs")
    driver.finished(start(driver, RECONCILE, last_hours=1, overdue=False, unsettled="none"))
    before = emitted(driver, DEAD_LETTERS_GROWING)
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    try:
        for _ in range(2):
            driver.finished(start(driver, RECONCILE, last_hours=1, overdue=False, unsettled="none"))
        found = newly_emitted(driver, DEAD_LETTERS_GROWING, before)
        assert len(found) == 1
        assert found[0]["payload"]["messages"] > found[0]["payload"]["before"]
    finally:
        sqs.purge_queue(QueueUrl=url)


@pytest.mark.parametrize("abandoned", ["RUNNING", "PENDING", "CRASHED"])
def test_a_run_that_nobody_works_at_is_scheduled_again(driver: Driver, abandoned: str) -> None:
    """A run that the automations missed, in this state since long ago, is found by reconcile and ends well."""
    driver.pause_live(paused=True)
    try:
        id_ = str(uuid.uuid4())
        run_id = driver.create_run([event_text(id_)])
        set_state(driver, run_id, abandoned)
    finally:
        driver.pause_live(paused=False)
    time.sleep(float(SCALED["REVIVE_AFTER"]))
    reconciled = driver.finished(start(driver, RECONCILE, last_hours=1, unsettled="none"))
    assert "1 abandoned runs scheduled again" in reconciled["state"]["message"]
    assert driver.finished(run_id)["state_type"] == "COMPLETED"
    assert driver.settled(id_)


@pytest.mark.parametrize("abandoned", ["RUNNING", "PENDING", "CRASHED"])
def test_an_erasure_that_nobody_works_at_is_scheduled_again(driver: Driver, abandoned: str) -> None:
    """Whoever asked for an erasure gets it, although Prefect lost sight of the run; but one may run for long."""
    id_ = driver.end()
    driver.until(lambda: driver.settled(id_))
    run_id = start(driver, ERASE, within_hours=1, interaction_ids=[id_], dry_run=False)
    set_state(driver, run_id, abandoned)
    time.sleep(float(SCALED["REVIVE_AFTER"]))
    reconciled = driver.finished(start(driver, RECONCILE, last_hours=1, unsettled="none"))
    if abandoned == "RUNNING":
        assert "abandoned" not in reconciled["state"]["message"]
        set_state(driver, run_id, "CANCELLED")
        assert "erasedAt" not in driver.settled(id_)
    else:
        assert "1 abandoned runs scheduled again" in reconciled["state"]["message"]
        assert driver.finished(run_id)["state_type"] == "COMPLETED"
        assert "erasedAt" in (driver.row(id_) or {})


def test_many_rejections_are_told_of(driver: Driver) -> None:
    """More than a twentieth of a quarter of an hour's events rejected is an event in Prefect."""
    before = emitted(driver, REJECTIONS_HIGH)
    driver.finished(driver.create_run([f"no JSON, {uuid.uuid4()}" for _ in range(40)]))
    told = newly_emitted(driver, REJECTIONS_HIGH, before)
    assert told[0]["payload"]["rejected"] >= 40


def test_a_run_taken_for_lost_after_its_end_is_not_done_again(driver: Driver) -> None:
    """A late event can make a finished run look lost: started again, it returns to its ending and asks nobody."""
    id_ = str(uuid.uuid4())
    run_id = driver.create_run([event_text(id_), "no JSON"])
    first = driver.finished(run_id)
    asked = driver.simulator_state()["requests"]["api"]
    set_state(driver, run_id, "SCHEDULED", "WorkerLost")
    driver.until(lambda: driver.finished(run_id)["run_count"] > first["run_count"])
    again = driver.finished(run_id)
    assert again["state"]["message"] == first["state"]["message"]
    assert again["state_type"] == "FAILED"
    assert driver.simulator_state()["requests"]["api"] == asked
