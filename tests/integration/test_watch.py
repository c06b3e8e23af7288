"""What reconcile looks after besides: dead letters that grow, runs that are nobody works at."""

from __future__ import annotations

import time
import uuid
from typing import Any

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


def test_runs_that_nobody_works_at_are_scheduled_again(driver: Driver) -> None:
    """What the automations missed, in such a state since long ago, is found by reconcile and ends well.

    Whichever flow it is of: whoever asked for an erasure gets it. But one may run for longer than a batch.
    """
    live, erasing = events_abandoned(driver), erasures_abandoned(driver)
    time.sleep(float(SCALED["REVIVE_AFTER"]))

    reconciled = driver.finished(start(driver, RECONCILE, last_hours=1, unsettled="none"))

    assert "4 abandoned runs scheduled again" in reconciled["state"]["message"]
    for id_, run_id in live.values():
        assert driver.finished(run_id)["state_type"] == "COMPLETED"
        assert driver.settled(id_)
    running, run_id = erasing.pop("RUNNING")
    set_state(driver, run_id, "CANCELLED")
    assert driver.settled(running)
    for id_, run_id in erasing.values():
        assert driver.finished(run_id)["state_type"] == "COMPLETED"
        assert "erasedAt" in (driver.row(id_) or {})


ABANDONED = ("RUNNING", "PENDING", "CRASHED")


def events_abandoned(driver: Driver) -> dict[str, tuple[str, str]]:
    """Live runs that are in each of the states, though no worker has them: interaction and run."""
    driver.pause_live(paused=True)
    try:
        ids = {state: str(uuid.uuid4()) for state in ABANDONED}
        runs = {state: (id_, driver.create_run([event_text(id_)])) for state, id_ in ids.items()}
        for state, (_, run_id) in runs.items():
            set_state(driver, run_id, state)
    finally:
        driver.pause_live(paused=False)
    return runs


def erasures_abandoned(driver: Driver) -> dict[str, tuple[str, str]]:
    """Erasures of stored interactions, likewise."""
    runs = {}
    for state in (
        "RUNNING",
        "CRASHED",
    ):  # one at most in a slot of the queue that reconcile needs one of, too
        id_ = driver.end()
        driver.until(lambda id_=id_: driver.settled(id_))
        run_id = start(driver, ERASE, within_hours=1, interaction_ids=[id_], dry_run=False)
        set_state(driver, run_id, state)
        runs[state] = (id_, run_id)
    return runs


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
