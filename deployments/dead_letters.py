"""A look into the dead-letter queue that leaves every message where it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

MOST = 1_000  # messages looked at
_HELD = 60  # seconds that a message stays hidden if this process dies before it gives it back
_SECONDS = 20.0
_EMPTY = 2  # empty answers in a row after which the queue counts as looked through


@dataclass(frozen=True)
class DeadLetter:
    """A message about the interaction: why it is there, and since when (epoch milliseconds)."""

    code: str
    reason: str
    sent_at: int


@dataclass(frozen=True)
class Peek:
    """What a look found: `looked` messages of about `holds`; when they differ, no finding is no proof."""

    looked: int
    holds: int
    found: tuple[DeadLetter, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def peek(sqs: SQSClient, queue_url: str, interaction_id: str, *, most: int = MOST) -> Peek:
    """Look for an interaction's messages. Raises botocore's errors.

    SQS has no search: messages are received, held until all have been seen once, and given back at once.
    """
    held: list[MessageTypeDef] = []
    try:
        for message in _messages(sqs, queue_url, most):
            held.append(message)  # noqa: PERF402 - one by one: what was received before an error is given back
        found = tuple(_dead_letter(m) for m in held if interaction_id in m.get("Body", "").lower())
        return Peek(len(held), max(_depth(sqs, queue_url), len(held)), found)
    finally:
        _give_back(sqs, queue_url, held)


def _messages(sqs: SQSClient, queue_url: str, most: int) -> Iterator[MessageTypeDef]:
    deadline = time.monotonic() + _SECONDS
    seen = empty = 0
    while seen < most and empty < _EMPTY and time.monotonic() < deadline:
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=min(10, most - seen),
            VisibilityTimeout=_HELD,
            WaitTimeSeconds=1,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        messages = answer.get("Messages", [])
        yield from messages
        seen += len(messages)
        empty = 0 if messages else empty + 1


def _give_back(sqs: SQSClient, queue_url: str, held: list[MessageTypeDef]) -> None:
    for start in range(0, len(held), 10):
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
            for number, message in enumerate(held[start : start + 10])
        ]
        sqs.change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)


def _depth(sqs: SQSClient, queue_url: str) -> int:
    names: Any = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "Delayed", "NotVisible")]
    found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    return sum(int(found.get(name, 0)) for name in names)


def _dead_letter(message: MessageTypeDef) -> DeadLetter:
    def text(name: str) -> str:
        attribute = message.get("MessageAttributes", {}).get(name)
        return attribute.get("StringValue", "") if attribute else ""

    # The bridge's own words, or EventBridge's (its attributes are in capitals).
    return DeadLetter(
        text("code") or text("ERROR_CODE") or "unknown",
        text("reason") or text("ERROR_MESSAGE"),
        int(message.get("Attributes", {}).get("SentTimestamp", 0)),
    )
