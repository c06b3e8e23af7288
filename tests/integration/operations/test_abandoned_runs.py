"""What reconcile checks besides: growing dead letters, and runs that no worker executes."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from flows.reports.events import DEAD_LETTERS_GROWING, REJECTIONS_HIGH
from tests.support.events import event_text
from tests.support.prefect_runs import ERASE, RECONCILE, schedule_run, start_run
from tests.support.sandbox import SCALED, SandboxDriver


def emitted(driver: SandboxDriver, name: str, run_id: str) -> list[dict[str, Any]]:
    """Return the events of a name that a run has emitted, as far as they are in Prefect's event stream by now."""
    of_the_run = {"event": {"name": [name]}, "resource": {"id": [f"prefect.flow-run.{run_id}"]}}
    return list(driver.api("/events/filter", {"filter": of_the_run, "limit": 50})["events"])


def set_state(driver: SandboxDriver, run_id: str, state: str, name: str | None = None) -> None:
    """Force a run into a state."""
    url = f"{driver.addresses.prefect_api_url}/flow_runs/{run_id}/set_state"
    body = {"state": {"type": state, "name": name or state.title()}, "force": True}
    requests.post(url, json=body, timeout=60).raise_for_status()


def test_growing_dead_letters_are_one_event(driver: SandboxDriver) -> None:
    """A new message in the dead-letter queue is one event in Prefect; an unchanged number emits none."""
    url = driver.addresses.dead_letter_queue_url
    sqs = driver.sandbox.client("sqs")

    def look() -> str:
        run_id = start_run(driver, RECONCILE, last_hours=1, overdue=False, unsettled="none")
        return str(driver.finished(run_id)["id"])

    def growth(run_id: str) -> list[dict[str, Any]]:
        return emitted(driver, DEAD_LETTERS_GROWING, run_id)

    look()
    try:
        sqs.send_message(QueueUrl=url, MessageBody="poison")
        grown, unchanged = look(), look()
        sqs.send_message(QueueUrl=url, MessageBody="more poison")
        grown_again = look()
        # Events come in their order: what the run between them had emitted would be there.
        driver.until(lambda: growth(grown) and growth(grown_again))
        (event,) = growth(grown)
        assert event["payload"]["messages"] > event["payload"]["before"]
        assert growth(unchanged) == []
    finally:
        sqs.purge_queue(QueueUrl=url)


def test_abandoned_runs_are_scheduled_again(driver: SandboxDriver) -> None:
    """Reconcile reschedules runs of every flow that have been pending, running or crashed for ABANDONED_AFTER.

    A running erasure is the exception: it may take longer than a batch of events.
    """
    with no_automations(driver):  # they would be the first, if this took long enough
        erasing, live = abandon_erasures(driver), abandon_live_runs(driver)
        abandoned_at = time.monotonic()
        driver.until(lambda: time.monotonic() - abandoned_at > float(SCALED["ABANDONED_AFTER"]))

        reconciled = driver.finished(start_run(driver, RECONCILE, last_hours=1, unsettled="none"))

        found = re.search(r"(\d+) abandoned runs scheduled again", reconciled["state"]["message"])
        assert found, reconciled["state"]["message"]
        assert int(found[1]) >= 4  # other tests may have left some as well
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


@contextmanager
def no_automations(driver: SandboxDriver) -> Iterator[None]:
    """Switch off the automations, which schedule lost runs again as well, for a while."""

    def switch(*, enabled: bool) -> None:
        for each in driver.api("/automations/filter", {}):
            url = f"{driver.addresses.prefect_api_url}/automations/{each['id']}"
            requests.patch(url, json={"enabled": enabled}, timeout=60).raise_for_status()

    switch(enabled=False)
    try:
        yield
    finally:
        switch(enabled=True)


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
    states = ("RUNNING", "CRASHED")
    ids, runs = {state: driver.end() for state in states}, {}
    for id_ in ids.values():
        driver.until_settled(id_)
    for state, id_ in ids.items():
        parameters = {"interaction_ids": [id_], "dry_run": False, "reason": "TICKET-1"}
        run_id = schedule_run(driver, ERASE, parameters, within_hours=1)
        set_state(driver, run_id, state)
        runs[state] = (id_, run_id)
    return runs


def test_many_rejections_are_an_event(driver: SandboxDriver) -> None:
    """Rejections of more than 5 % of the events of 15 minutes are an event in Prefect."""
    many = 500  # whatever other tests had saved of late, they are a share of it
    run_id = driver.create_run([f"no JSON, {uuid.uuid4()}" for _ in range(many)])
    driver.finished(run_id)
    (found,) = driver.until(lambda: emitted(driver, REJECTIONS_HIGH, run_id))
    assert found["payload"]["rejected"] >= many


def test_a_completed_run_that_is_scheduled_again_keeps_its_result(driver: SandboxDriver) -> None:
    """A late heartbeat event may reschedule a finished run: it returns to its final state without any request."""
    id_ = str(uuid.uuid4())
    run_id = driver.create_run([event_text(id_), "no JSON"])
    first = driver.finished(run_id)
    asked = driver.asked_for(id_)
    set_state(driver, run_id, "SCHEDULED", "WorkerLost")
    driver.until(lambda: driver.finished(run_id)["run_count"] > first["run_count"])
    again = driver.finished(run_id)
    assert again["state"]["message"] == first["state"]["message"]
    assert again["state_type"] == "FAILED"
    assert driver.asked_for(id_) == asked
    assert len(asked) == 1
