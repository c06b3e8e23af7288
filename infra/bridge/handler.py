"""The bridge between the SQS buffer and Prefect: a Lambda function, `handler.handler`.

It receives a batch of messages (or from a manual invocation one EventBridge event or a list of them), reduces each
event to the allow-list, and starts one flow run per batch. The response names the messages that were not accepted,
and SQS delivers exactly these again. Once a minute the stack invokes it with `{"watch": ...}`: it looks at what the
alarms need, and accepts nothing.
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
from api_key import Credentials
from batching import Message, original_id
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from configuration import Configuration, configuration
from connection import Connection
from dead_letters import DeadLetters
from delivery import Delivery, summary
from errors import DeliveryHalted
from figures import delivery_figures, metric_line, oldest_seconds
from prefect_api import PrefectApi
from watch import Watch

# Well below the time-out of the function.
CLIENT_CONFIG = Config(
    connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"}
)


class Context(Protocol):
    """The part of Lambda's context object that is used."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the time-out."""


class NotAccepted(Exception):
    """An event of a manual invocation was not accepted: no queue has it, so the caller must send it again."""


def handler(event: Any, context: Context | None = None) -> dict[str, Any]:
    """Return the partial batch response; for a manual invocation return a summary, or raise NotAccepted."""
    if isinstance(event, dict) and set(event) == {"watch"}:
        return _watched(context)
    started = time.monotonic()
    records = _records(event)
    messages = _messages(records) if records is not None else _from_manual_invocation(event, context)
    report = bridge().deliver(messages, _remaining(context))
    outcome = summary(report)
    figures = delivery_figures(report, oldest_seconds(records or []), (time.monotonic() - started) * 1000)
    _log({"message": "batch delivered", **outcome}, figures, outcome["stopped"])
    if records is not None:
        returned = dict.fromkeys(original_id(name) for name in report.returned)
        return {"batchItemFailures": [{"itemIdentifier": name} for name in returned]}
    if report.returned:
        raise NotAccepted(json.dumps(outcome))
    return outcome


def _records(event: Any) -> list[dict[str, Any]] | None:
    """Return the records of SQS; None when the event is something else."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        return None
    from_sqs = all(isinstance(record, dict) and record.get("messageId") for record in records)
    return records if from_sqs else None


def _messages(records: list[dict[str, Any]]) -> list[Message]:
    """Return each message once, by its id; one with a long list of records as several."""
    by_id = {str(record["messageId"]): record.get("body") for record in records}
    texts = {name: body if isinstance(body, str) else json.dumps(body) for name, body in by_id.items()}
    return [part for name, body in texts.items() for part in Message.parts(name, body)]


def _from_manual_invocation(event: Any, context: Context | None) -> list[Message]:
    """Return the events as messages. Lambda retries with the same request id, and so with the same key."""
    invocation = getattr(context, "aws_request_id", None) or uuid.uuid4()
    texts = map(json.dumps, event if isinstance(event, list) else [event])
    return [part for i, body in enumerate(texts) for part in Message.parts(f"{invocation}-{i}", body)]


def _remaining(context: Context | None) -> Callable[[], float]:
    left = getattr(context, "get_remaining_time_in_millis", None)
    return (lambda: left() / 1000) if left else (lambda: float("inf"))


def _watched(context: Context | None) -> dict[str, Any]:
    """Write the figures of the watch to the log, and return them."""
    figures, stopped = watch().look(_remaining(context))
    _log({"message": "watched", "stopped": stopped}, figures, stopped)
    return figures


@lru_cache(maxsize=1)
def watch() -> Watch:
    """Return the process's only watch."""
    settings = configuration()
    return Watch(
        _prefect_api(settings),
        boto3.client("sqs", config=CLIENT_CONFIG),
        boto3.client("dynamodb", config=CLIENT_CONFIG),
        settings,
    )


@lru_cache(maxsize=1)
def bridge() -> Delivery:
    """Return the process's only delivery: connection, API key and deployment id are kept between invocations."""
    settings = configuration()
    return Delivery(
        _prefect_api(settings),
        _dead_letters(settings),
        max_events=settings.max_events,
        max_bytes=settings.max_parameter_bytes,
        max_waiting_runs=settings.max_waiting_runs,
    )


def _prefect_api(settings: Configuration) -> PrefectApi:
    return PrefectApi(
        Connection(settings.prefect_api_url),
        Credentials(_secret_reader(settings.prefect_secret_arn)),
        deployment_name=settings.deployment_name,
        timeout=settings.request_timeout,
    )


def _secret_reader(arn: str) -> Callable[[], str] | None:
    if not arn:
        return None
    client = boto3.client("secretsmanager", config=CLIENT_CONFIG)

    def read() -> str:
        try:
            return client.get_secret_value(SecretId=arn)["SecretString"]
        except (ClientError, BotoCoreError, KeyError):
            raise DeliveryHalted("secret-unavailable") from None

    return read


def _dead_letters(settings: Configuration) -> DeadLetters:
    url = settings.dead_letter_queue_url
    return DeadLetters(boto3.client("sqs", config=CLIENT_CONFIG) if url else None, url)


def _log(line: dict[str, Any], figures: dict[str, float], stopped: dict[str, Any] | None) -> None:
    """Write one line of JSON, whose fields CloudWatch Logs Insights can query, and whose figures become metrics."""
    code = stopped["code"] if stopped else None
    sys.stdout.write(json.dumps(metric_line(line, figures, configuration().stack_name, code)) + "\n")
    sys.stdout.flush()
