"""A process that carries messages from a real queue to the bridge's handler, and counts what that takes.

EventBridge sends each event to the queue by itself; Lambda receives ten messages in a request, gives up to BatchSize of
them to the handler at once, and deletes ten in a request.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import boto3

from tasks.values import chunked
from tests.benchmarks.aws_calls import record_invocation
from tests.benchmarks.competitor_process import serve_bursts
from tests.benchmarks.feeder import BATCH_SIZE

QUEUE = "BENCHMARK_QUEUE_URL"
_TEN = 10  # messages of a request


def main() -> None:
    """Deliver bursts."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "infra" / "bridge"))
    handler, client = importlib.import_module("handler").handler, boto3.client("sqs")

    def burst(texts: list[str]) -> None:
        for text in texts:
            client.send_message(QueueUrl=os.environ[QUEUE], MessageBody=text)
        for size in map(len, chunked(texts, BATCH_SIZE)):
            _deliver(client, handler, _receive(client, size))

    serve_bursts(burst)


def _receive(client: Any, wanted: int) -> list[dict[str, Any]]:
    """Return so many messages, received ten at a time."""
    found: list[dict[str, Any]] = []
    while len(found) < wanted:
        count = min(_TEN, wanted - len(found))
        answer = client.receive_message(
            QueueUrl=os.environ[QUEUE], MaxNumberOfMessages=count, WaitTimeSeconds=1
        )
        found += answer.get("Messages", [])
    return found


def _deliver(client: Any, handler: Callable[..., dict[str, Any]], messages: Sequence[dict[str, Any]]) -> None:
    records = [
        {"messageId": each["MessageId"], "body": each["Body"], "eventSource": "aws:sqs"} for each in messages
    ]
    began = time.perf_counter()
    answer = handler({"Records": records})
    record_invocation((time.perf_counter() - began) * 1000)
    if answer["batchItemFailures"]:
        raise RuntimeError(f"{len(answer['batchItemFailures'])} messages were not accepted")
    for part in chunked(messages, _TEN):
        entries = [
            {"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(part)
        ]
        client.delete_message_batch(QueueUrl=os.environ[QUEUE], Entries=entries)


if __name__ == "__main__":
    main()
