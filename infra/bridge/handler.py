"""The bridge between the SQS buffer and Prefect: a Lambda function, `handler.handler`.

It takes a batch of messages (or, by hand, one EventBridge event or a list of them), keeps of each event what
is on the allow-list, and starts one flow run per batch. Messages that were not accepted are named in the
answer, so that SQS delivers exactly those again.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from configuration import Configuration, configuration
from connection import Connection
from credentials import Credentials
from dead_letters import DeadLetters
from delivery import Delivery, summary
from outcomes import Stopped
from packing import Message, whole
from prefect_api import PrefectApi

# Well below the function's own time-out.
PATIENCE = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"})


class Context(Protocol):
    """What Lambda tells about an invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left."""


class NotAccepted(Exception):  # what it says
    """An event given by hand was not accepted: nobody but the caller can give it again."""


def handler(event: Any, context: Context | None = None) -> dict[str, Any]:
    """Return Lambda's partial batch answer; for events given by hand, a summary, or raise NotAccepted."""
    started = time.monotonic()
    records = _records(event)
    messages = _messages(records) if records is not None else _by_hand(event, context)
    report = bridge().deliver(messages, _remaining(context))
    told = summary(report)
    _log({"message": "batch delivered", **told, "durationMs": round((time.monotonic() - started) * 1000)})
    if records is not None:
        returned = dict.fromkeys(whole(name) for name in report.returned)
        return {"batchItemFailures": [{"itemIdentifier": name} for name in returned]}
    if report.returned:
        raise NotAccepted(json.dumps(told))
    return told


def _records(event: Any) -> list[dict[str, Any]] | None:
    """Return SQS's records, None when the event is something else."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        return None
    ours = all(isinstance(record, dict) and record.get("messageId") for record in records)
    return records if ours else None


def _messages(records: list[dict[str, Any]]) -> list[Message]:
    """Return each message once, by its id; a long list of records in parts."""
    by_id = {str(record["messageId"]): record.get("body") for record in records}
    texts = {name: body if isinstance(body, str) else json.dumps(body) for name, body in by_id.items()}
    return [part for name, body in texts.items() for part in Message.parts(name, body)]


def _by_hand(event: Any, context: Context | None) -> list[Message]:
    """Return events as messages; Lambda's own retry of an invocation repeats its id, and so the key."""
    invocation = getattr(context, "aws_request_id", None) or uuid.uuid4()
    texts = map(json.dumps, event if isinstance(event, list) else [event])
    return [part for i, body in enumerate(texts) for part in Message.parts(f"{invocation}-{i}", body)]


def _remaining(context: Context | None) -> Callable[[], float]:
    left = getattr(context, "get_remaining_time_in_millis", None)
    return (lambda: left() / 1000) if left else (lambda: float("inf"))


@lru_cache(maxsize=1)
def bridge() -> Delivery:
    """Return the process's one delivery: connection, key and deployment id outlive an invocation."""
    settings = configuration()
    api = PrefectApi(
        Connection(settings.prefect_api_url),
        Credentials(_secret_reader(settings.prefect_secret_arn)),
        deployment_name=settings.deployment_name,
        timeout=settings.request_timeout,
    )
    return Delivery(
        api,
        _dead_letters(settings),
        max_events=settings.max_events,
        max_bytes=settings.max_parameter_bytes,
        max_waiting_runs=settings.max_waiting_runs,
    )


def _secret_reader(arn: str) -> Callable[[], str] | None:
    if not arn:
        return None
    client = boto3.client("secretsmanager", config=PATIENCE)

    def read() -> str:
        try:
            return client.get_secret_value(SecretId=arn)["SecretString"]
        except (ClientError, BotoCoreError, KeyError):
            raise Stopped("secret-unavailable") from None

    return read


def _dead_letters(settings: Configuration) -> DeadLetters:
    url = settings.dead_letter_queue_url
    return DeadLetters(boto3.client("sqs", config=PATIENCE) if url else None, url)


def _log(line: dict[str, Any]) -> None:
    """Write one line of JSON: CloudWatch Logs Insights reads its fields."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
