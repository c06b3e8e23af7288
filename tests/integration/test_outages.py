"""Parts of the pipeline go away, and nothing is lost."""

from __future__ import annotations

import signal
import time
import uuid

import pytest
import requests

from tests.integration.outage_sandbox import fragile  # noqa: F401 - a fixture
from tests.integration.sandbox import Driver
from tests.integration.test_pipeline import event_text

OUTAGE = 20.0  # seconds; with a visibility time-out of 3 s instead of 180 it stands for 20 minutes


def messages(driver: Driver, url: str) -> int:
    """How many messages a queue holds, in flight and delayed ones included."""
    names = ("", "NotVisible", "Delayed")
    attributes = driver.sandbox.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return sum(int(attributes["Attributes"][f"ApproximateNumberOfMessages{name}"]) for name in names)


def test_events_wait_in_the_queue_while_prefect_is_down(fragile: Driver) -> None:  # noqa: F811
    """The server stops, events arrive: none in the dead-letter queue, all saved once it is back."""
    fragile.sandbox.children["prefect"].stop()
    ids = [fragile.end() for _ in range(30)]
    time.sleep(OUTAGE)
    assert messages(fragile, fragile.addresses.buffer_queue_url) == 30
    fragile.sandbox.start_prefect()
    for id_ in ids:
        fragile.until(lambda id_=id_: fragile.settled(id_), 120)
    assert messages(fragile, fragile.addresses.dead_letter_queue_url) == 0


def test_the_runs_of_a_killed_worker_are_finished_by_the_next(fragile: Driver) -> None:  # noqa: F811
    """A worker is killed with ten runs in hand; without anybody's hand the next worker saves everything."""
    fragile.simulator("faults", latency=8)
    ids = [str(uuid.uuid4()) for _ in range(10)]
    runs = [fragile.create_run([event_text(id_)]) for id_ in ids]
    fragile.until(lambda: all(state(fragile, run) == "RUNNING" for run in runs), 90)
    time.sleep(4)  # each has sent its first heartbeat
    worker = fragile.sandbox.children["worker 1"]
    worker.signal(signal.SIGKILL)
    worker.process.wait()
    fragile.simulator("faults", latency=0)
    fragile.sandbox.start_worker(2)
    for id_ in ids:
        fragile.until(lambda id_=id_: fragile.settled(id_), 150)
    for run in runs:
        assert fragile.finished(run, 60)["state_type"] == "COMPLETED"


def state(driver: Driver, run_id: str) -> str:
    """A run's state type."""
    return str(
        requests.get(f"{driver.addresses.prefect_api_url}/flow_runs/{run_id}", timeout=10).json()[
            "state_type"
        ]
    )


@pytest.mark.long
@pytest.mark.timeout(500)
def test_a_batch_that_kills_its_workers_ends_in_quarantine(fragile: Driver) -> None:  # noqa: F811
    """After three restarts the events of a run whose worker died each time are in quarantine, with the reason.

    Except what the run had stored before a worker of it died: that has its record, and no row beside it.
    """
    id_, stored = str(uuid.uuid4()), fragile.end()
    fragile.until(lambda: fragile.settled(stored))
    fragile.simulator("faults", latency=60)
    run = fragile.create_run([event_text(id_), event_text(stored)])
    fragile.sandbox.client("dynamodb").update_item(
        TableName=fragile.addresses.interaction_table,
        Key={"interactionId": {"S": stored}},
        UpdateExpression="SET runs = list_append(runs, :run)",
        ExpressionAttributeValues={":run": {"L": [{"S": run}]}},
    )
    for number in range(10, 14):
        fragile.until(lambda: state(fragile, run) == "RUNNING", 60)
        name = next(name for name in fragile.sandbox.children if name.startswith("worker"))
        time.sleep(12)  # it has sent some heartbeats
        victim = fragile.sandbox.children.pop(name)
        victim.signal(signal.SIGKILL)
        victim.process.wait()
        fragile.until(lambda: state(fragile, run) == "SCHEDULED", 60)
        fragile.sandbox.start_worker(number)
    row = fragile.until(lambda: fragile.quarantined(interactionId=id_), 60)[0]
    assert (row["reason"], row["code"]) == ("failed", "worker-lost")
    assert fragile.finished(run)["state_type"] == "FAILED"
    assert not fragile.quarantined(interactionId=stored)
