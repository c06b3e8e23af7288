"""What reconcile checks besides: growing dead letters, and runs that no worker executes."""

from __future__ import annotations

import time
import uuid
from typing import Any

import requests

from flows.reports.events import DEAD_LETTERS_GROWING, REJECTIONS_HIGH
from tests.support.events import event_text
from tests.support.prefect_runs import ERASE, RECONCILE, schedule_run, start_run
from tests.support.sandbox import SCALED, SandboxDriver


def emitted(driver: SandboxDriver, name: str) -> list[dict[str, Any]]:
    """Return the events of a name in Prefect's event stream."""
    body = {"filter": {"event": {"name": [name]}}, "limit": 50}
    return list(driver.api("/events/filter", body)["events"])


def newly_emitted(driver: SandboxDriver, name: str, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Wait for events of a name that are not among the known ones, which other tests may have emitted."""
    ids = {event["id"] for event in known}
    return driver.until(lambda: [event for event in emitted(driver, name) if event["id"] not in ids])


def set_state(driver: SandboxDriver, run_id: str, state: str, name: str | None = None) -> None:
    """Force a run into a state."""
    url = f"{driver.addresses.prefect_api_url}/flow_runs/{run_id}/set_state"
    body = {"state": {"type": state, "name": name or state.title()}, "force": True}
    requests.post(url, json=body, timeout=10).raise_for_status()


def test_growing_dead_letters_are_one_event(driver: SandboxDriver) -> None:
    """A new message in the dead-letter queue is one event in Prefect; an unchanged number emits none."""
    url = driver.addresses.dead_letter_queue_url
    sqs = driver.sandbox.client("sqs")
    driver.finished(start_run(driver, RECONCILE, last_hours=1, overdue=False, unsettled="none"))
    before = emitted(driver, DEAD_LETTERS_GROWING)
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    try:
        for _ in range(2):
            driver.finished(start_run(driver, RECONCILE, last_hours=1, overdue=False, unsettled="none"))
        found = newly_emitted(driver, DEAD_LETTERS_GROWING, before)
        assert len(found) == 1
        assert found[0]["payload"]["messages"] > found[0]["payload"]["before"]
    finally:
        sqs.purge_queue(QueueUrl=url)


def test_abandoned_runs_are_scheduled_again(driver: SandboxDriver) -> None:
    """Reconcile reschedules runs of every flow that have been pending, running or crashed for ABANDONED_AFTER.

    A running erasure is the exception: it may take longer than a batch of events.
    """
    live, erasing = abandon_live_runs(driver), abandon_erasures(driver)
    abandoned_at = time.monotonic()
    driver.until(lambda: time.monotonic() - abandoned_at > float(SCALED["ABANDONED_AFTER"]))

    reconciled = driver.finished(start_run(driver, RECONCILE, last_hours=1, unsettled="none"))

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


def abandon_live_runs(driver: SandboxDriver) -> dict[str, tuple[str, str]]:
    """Force live runs into each of the states without a worker; return interaction and run by state."""
    driver.pause_live(paused=True)
    try:
        ids = {state: str(uuid.uuid4()) for state in ABANDONED}
        runs = {state: (id_, driver.create_run([event_text(id_)])) for state, id_ in ids.items()}
        for state, (_, run_id) in runs.items():
            set_state(driver, run_id, state)
    finally:
        driver.pause_live(paused=False)
    return runs


def abandon_erasures(driver: SandboxDriver) -> dict[str, tuple[str, str]]:
    """Force erasures of stored interactions into two of the states; return interaction and run by state.

    One of them occupies a slot of the work queue, of which reconcile needs another.
    """
    runs = {}
    for state in ("RUNNING", "CRASHED"):
        id_ = driver.end()
        driver.until_settled(id_)
        parameters = {"interaction_ids": [id_], "dry_run": False, "reason": "TICKET-1"}
        run_id = schedule_run(driver, ERASE, parameters, within_hours=1)
        set_state(driver, run_id, state)
        runs[state] = (id_, run_id)
    return runs


def test_many_rejections_are_an_event(driver: SandboxDriver) -> None:
    """Rejections of more than 5 % of the events of 15 minutes are an event in Prefect."""
    before = emitted(driver, REJECTIONS_HIGH)
    driver.finished(driver.create_run([f"no JSON, {uuid.uuid4()}" for _ in range(40)]))
    found = newly_emitted(driver, REJECTIONS_HIGH, before)
    assert found[0]["payload"]["rejected"] >= 40


def test_a_completed_run_that_is_scheduled_again_keeps_its_result(driver: SandboxDriver) -> None:
    """A late heartbeat event may reschedule a finished run: it returns to its final state without any request."""
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
