"""Single events, one a second, through the sandbox's bus, queue and Lambda, beside their bare calls."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any

from deployments.sample_events import customer_end, put_events
from tests.benchmarks.bench_sandbox import BenchSandbox
from tests.benchmarks.competitors import Pipeline
from tests.benchmarks.work import Work
from tests.support.events import SOURCE, envelope, new_ids

_POLL = 0.02
_TIMEOUT = 60.0


def measure_single_events(bench: BenchSandbox, count: int) -> dict[str, list[float]]:
    """Return the seconds of each event from bus to row, and the seconds of its bare calls one after another."""
    with Pipeline(bench, "a", "this pipeline", limited=True):
        _bus_to_row(bench, new_ids(1)[0])  # the first event starts the Lambda and fetches the token
        return {"bus to row": _one_a_second(bench, count), "own calls": _own_calls(bench, count)}


def _one_a_second(bench: BenchSandbox, count: int) -> list[float]:
    took: list[float] = []
    threads = []
    for name in new_ids(count):
        thread = threading.Thread(target=lambda name=name: took.append(_bus_to_row(bench, name)))
        thread.start()
        threads.append(thread)
        time.sleep(1)
    for thread in threads:
        thread.join()
    if len(took) != count:
        raise TimeoutError(f"{count - len(took)} single events never were stored")
    return took


def _bus_to_row(bench: BenchSandbox, name: str) -> float:
    addresses, database = bench.sandbox.addresses, bench.database
    began = time.monotonic()
    put_events(bench.events, addresses.event_bus, [customer_end(name, SOURCE)])
    key = {"interactionId": {"S": name}}
    while "Item" not in database.get_item(TableName=addresses.interaction_table, Key=key):
        if time.monotonic() - began > _TIMEOUT:
            raise TimeoutError(f"no row after {_TIMEOUT:.0f} s")
        time.sleep(_POLL)
    return time.monotonic() - began


def _own_calls(bench: BenchSandbox, count: int) -> list[float]:
    """Return the seconds of the calls that one event needs: bus, queue, permit, look-up, fetch, write."""
    os.environ.update(bench.environment(limited=False, bucket=False) | {"BENCHMARK_WINDOW_STORE": "table"})
    work, took = Work(), []
    queue = bench.sandbox.client("sqs")
    url = queue.create_queue(QueueName="benchmark")["QueueUrl"]
    _own(bench, work, queue, url)  # opens connections and fetches the token
    for _ in range(count):
        began = time.monotonic()
        _own(bench, work, queue, url)
        took.append(time.monotonic() - began)
    return took


def _own(bench: BenchSandbox, work: Work, queue: Any, url: str) -> None:
    name = new_ids(1)[0]
    outsider = customer_end(name, "benchmark.nobody-listens")
    put_events(bench.events, bench.sandbox.addresses.event_bus, [outsider])
    queue.send_message(QueueUrl=url, MessageBody=envelope(name))
    message = queue.receive_message(QueueUrl=url, WaitTimeSeconds=1)["Messages"][0]
    event = json.loads(message["Body"])
    work.look_up(event["detail"]["eventBody"]["conversationId"])
    work.save(work.fetch(work.validate([message["Body"]])), "alone")
    queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
