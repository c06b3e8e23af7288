"""Single events, one a second, through the sandbox's bus, queue and Lambda; and their own calls, made alone."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any

from deployments.sandbox.samples import customer_end, put_events
from tests.benchmarks.competitors import Pipeline
from tests.benchmarks.events import SOURCE, envelope, ids
from tests.benchmarks.stage import Stage
from tests.benchmarks.work import Work

_LOOK = 0.02
_PATIENCE = 60.0


def measure(stage: Stage, count: int) -> dict[str, list[float]]:
    """Seconds from bus to row of each event, and seconds that each event's own calls take one after another."""
    stage.reset(limited=True)
    with Pipeline(stage, "a", "this pipeline", limited=True):
        _bus_to_row(stage, ids(1)[0])  # the Lambda starts, the worker fetches its token
        return {"bus to row": _one_a_second(stage, count), "own calls": _own_calls(stage, count)}


def _one_a_second(stage: Stage, count: int) -> list[float]:
    took: list[float] = []
    threads = []
    for name in ids(count):
        thread = threading.Thread(target=lambda name=name: took.append(_bus_to_row(stage, name)))
        thread.start()
        threads.append(thread)
        time.sleep(1)
    for thread in threads:
        thread.join()
    if len(took) != count:
        raise TimeoutError(f"{count - len(took)} single events never got their row")
    return took


def _bus_to_row(stage: Stage, name: str) -> float:
    addresses, database = stage.sandbox.addresses, stage.database
    began = time.monotonic()
    put_events(stage.events, addresses.event_bus, [customer_end(name, SOURCE)])
    key = {"interactionId": {"S": name}}
    while "Item" not in database.get_item(TableName=addresses.interaction_table, Key=key):
        if time.monotonic() - began > _PATIENCE:
            raise TimeoutError(f"no row after {_PATIENCE:.0f} s")
        time.sleep(_LOOK)
    return time.monotonic() - began


def _own_calls(stage: Stage, count: int) -> list[float]:
    """The calls to Genesys and AWS that one event cannot do without: bus, queue, budget, fetch, look-up, write."""
    os.environ.update(stage.environment(limited=False, bucket=False) | {"BENCHMARK_LEDGER": "table"})
    work, took = Work(), []
    queue = stage.sandbox.client("sqs")
    url = queue.create_queue(QueueName="benchmark")["QueueUrl"]
    _own(stage, work, queue, url)  # connections and token
    for _ in range(count):
        began = time.monotonic()
        _own(stage, work, queue, url)
        took.append(time.monotonic() - began)
    return took


def _own(stage: Stage, work: Work, queue: Any, url: str) -> None:
    name = ids(1)[0]
    outsider = customer_end(name, "benchmark.nobody-listens")
    put_events(stage.events, stage.sandbox.addresses.event_bus, [outsider])
    queue.send_message(QueueUrl=url, MessageBody=envelope(name))
    message = queue.receive_message(QueueUrl=url, WaitTimeSeconds=1)["Messages"][0]
    event = json.loads(message["Body"])
    work.look_up(event["detail"]["eventBody"]["conversationId"])
    work.save(work.fetch(work.validate([message["Body"]])), "alone")
    queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
