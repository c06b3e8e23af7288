"""Outages of Prefect and of workers: nothing is lost."""

from __future__ import annotations

import time
import uuid

import pytest
import requests

from deployments.sandbox.processes import SandboxError
from tests.support.events import event_text
from tests.support.sandbox import SandboxDriver

OUTAGE = 20.0  # seconds; with a visibility time-out of 3 s instead of 180 it stands for 20 minutes


def messages(driver: SandboxDriver, url: str) -> int:
    """Return how many messages a queue holds, in flight and delayed ones included."""
    names = ("", "NotVisible", "Delayed")
    attributes = driver.sandbox.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return sum(int(attributes["Attributes"][f"ApproximateNumberOfMessages{name}"]) for name in names)


def test_events_wait_in_the_queue_while_prefect_is_down(outage_driver: SandboxDriver) -> None:
    """Events that arrive during the outage are all saved after it, and none is dead-lettered."""
    outage_driver.sandbox.children["prefect"].stop()
    ids = [outage_driver.end() for _ in range(30)]
    time.sleep(OUTAGE)
    assert messages(outage_driver, outage_driver.addresses.buffer_queue_url) == 30
    outage_driver.sandbox.start_prefect()
    for id_ in ids:
        outage_driver.until_settled(id_, 120)
    assert messages(outage_driver, outage_driver.addresses.dead_letter_queue_url) == 0


def test_the_runs_of_a_killed_worker_are_completed_by_the_next(outage_driver: SandboxDriver) -> None:
    """Ten runs of a killed worker are scheduled again and completed by the next worker.

    Genesys answers after 25 s, just within the client's 30: the first run is still at it when the tenth starts.
    """
    outage_driver.simulator("faults", latency=25)
    ids = [str(uuid.uuid4()) for _ in range(10)]
    runs = [outage_driver.create_run([event_text(id_)]) for id_ in ids]
    outage_driver.until(lambda: all(state(outage_driver, run) == "RUNNING" for run in runs))
    worker = outage_driver.sandbox.children["worker 1"]
    worker.kill()
    outage_driver.simulator("faults", latency=0)
    outage_driver.sandbox.start_worker(2)
    for id_ in ids:
        outage_driver.until_settled(id_, 150)
    for run in runs:
        assert outage_driver.finished(run)["state_type"] == "COMPLETED"


def test_a_block_that_is_missing_ends_the_worker(outage_driver: SandboxDriver) -> None:
    """A worker whose setting names a missing block says so and takes no run; the next worker saves its events."""
    sandbox = outage_driver.sandbox
    for name in [name for name in sandbox.children if name.startswith("worker")]:
        sandbox.children.pop(name).stop()
    id_ = str(uuid.uuid4())
    run = outage_driver.create_run([event_text(id_)])
    with pytest.raises(SandboxError, match="ended with 2") as refused:
        sandbox.start_worker(
            3, GENESYS_CLIENT_ID="", GENESYS_CREDENTIALS_BLOCK="genesys-credentials/nobody-made-it"
        )
    assert "GENESYS_CREDENTIALS_BLOCK" in str(refused.value)
    assert state(outage_driver, run) == "SCHEDULED"
    sandbox.children.pop("worker 3").stop()
    sandbox.start_worker(4)
    outage_driver.until_settled(id_, 120)
    assert outage_driver.finished(run)["state_type"] == "COMPLETED"


def state(driver: SandboxDriver, run_id: str) -> str:
    """Return the type of a run's state."""
    url = f"{driver.addresses.prefect_api_url}/flow_runs/{run_id}"
    return str(requests.get(url, timeout=10).json()["state_type"])


def losses(driver: SandboxDriver, run_id: str) -> int:
    """Return how often a run was scheduled again because its worker was gone."""
    url = f"{driver.addresses.prefect_api_url}/flow_run_states/?flow_run_id={run_id}"
    states = requests.get(url, timeout=10).json()
    return sum(each["name"] == "WorkerLost" for each in states)


@pytest.mark.long
@pytest.mark.timeout(500)
def test_a_batch_that_kills_its_workers_ends_in_quarantine(outage_driver: SandboxDriver) -> None:
    """After three restarts the events of a run whose worker was killed each time are in quarantine.

    An interaction that the run had stored before has its record, and no quarantine row.
    """
    id_, stored = str(uuid.uuid4()), outage_driver.end()
    outage_driver.until_settled(stored)
    outage_driver.simulator("faults", latency=60)
    run = outage_driver.create_run([event_text(id_), event_text(stored)])
    outage_driver.sandbox.client("dynamodb").update_item(
        TableName=outage_driver.addresses.interaction_table,
        Key={"interactionId": {"S": stored}},
        UpdateExpression="SET runs = list_append(runs, :run)",
        ExpressionAttributeValues={":run": {"L": [{"S": run}]}},
    )
    for number in range(10, 14):
        outage_driver.until(lambda: state(outage_driver, run) == "RUNNING")
        name = next(name for name in outage_driver.sandbox.children if name.startswith("worker"))
        outage_driver.sandbox.children.pop(name).kill()
        outage_driver.sandbox.start_worker(number)
        outage_driver.until(lambda: losses(outage_driver, run) > number - 10)  # noqa: B023 - called at once
    row = outage_driver.until(lambda: outage_driver.quarantined(interactionId=id_))[0]
    assert (row["reason"], row["code"]) == ("failed", "worker-lost")
    assert outage_driver.finished(run)["state_type"] == "FAILED"
    assert not outage_driver.quarantined(interactionId=stored)
