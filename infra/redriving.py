"""Dead letters: a look at them, and the way back to the buffer."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.errors import Refused
from infra.queues import depth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_sqs import SQSClient

FULL = 10  # the most that SQS gives at once
LOOK = 100  # as many are looked at: the rest will be of the same kinds
HIDE = 120  # seconds that a message is ours


@dataclass(frozen=True)
class Reason:
    """Why letters are dead, how many of those looked at, and since when."""

    text: str
    count: int
    since: datetime


class DeadLetterBox:
    """The dead-letter queue of a stack, and its buffer."""

    def __init__(self, sqs: SQSClient, outputs: Mapping[str, str]) -> None:
        self.sqs = sqs
        self.dead, self.buffer = outputs["DeadLetterQueueUrl"], outputs["BufferQueueUrl"]
        self.read = outputs["Bridge"] == "lambda"

    def count(self) -> int:
        """Return about how many there are."""
        return depth(self.sqs, self.dead)

    def look(self) -> tuple[int, list[Reason]]:
        """Return how many there are and the reasons of the first hundred; they stay where they are."""
        seen: dict[str, Any] = {}
        try:
            while len(seen) < LOOK and (batch := self._receive(HIDE)):
                seen |= {message["MessageId"]: message for message in batch}
        finally:
            for message in seen.values():
                self._hide(message, 0)
        return max(self.count(), len(seen)), _reasons(list(seen.values()))

    def redrive(self, rate: float, advance: Callable[[int], None] = lambda _: None) -> int:
        """Send every letter back to the buffer, `rate` a second at the most, and return how many.

        Sent before it is deleted, so that it is in two places rather than in none; a second delivery changes
        nothing. Only what was dead when this began: what the bridge puts back meanwhile is left.
        """
        if not self.read:
            raise Refused(
                "nobody reads the buffer behind an API destination: bring events back with `replay`, "
                "or deploy with --bridge lambda first"
            )
        moved, began = 0, time.time() * 1000
        while batch := self._receive(HIDE):
            older = [m for m in batch if int(m["Attributes"]["SentTimestamp"]) <= began]
            for message in (m for m in batch if m not in older):
                self._hide(message, 0)
            if not older:
                break
            started = time.monotonic()
            sent = self._move(older)
            moved += sent
            advance(sent)
            time.sleep(max(0.0, len(older) / rate - (time.monotonic() - started)))
        return moved

    def _receive(self, hide: int) -> list[Any]:
        answer = self.sqs.receive_message(
            QueueUrl=self.dead,
            MaxNumberOfMessages=FULL,
            VisibilityTimeout=hide,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def _hide(self, message: Any, seconds: int) -> None:
        self.sqs.change_message_visibility(
            QueueUrl=self.dead, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
        )

    def _move(self, batch: list[Any]) -> int:
        """Send and delete one by one: ten letters of a megabyte each are more than a batch may hold."""
        for message in batch:
            # Without its attributes: they tell of a death that is over.
            self.sqs.send_message(QueueUrl=self.buffer, MessageBody=message["Body"])
            self.sqs.delete_message(QueueUrl=self.dead, ReceiptHandle=message["ReceiptHandle"])
        return len(batch)


def _reasons(messages: list[Any]) -> list[Reason]:
    counts = Counter(_why(message) for message in messages)
    return [Reason(text, count, _since(messages, text)) for text, count in counts.most_common()]


def _why(message: Any) -> str:
    """Return the bridge's reason, or EventBridge's; a message with neither was received too often."""
    attributes = {
        name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()
    }
    ours = ("code", "status", "reason") if "code" in attributes else ("ERROR_CODE", "ERROR_MESSAGE")
    return " ".join(_known(attributes, ours)) or "received too often without being accepted"


def _known(attributes: Mapping[str, str], names: tuple[str, ...]) -> Iterator[str]:
    return (attributes[name] for name in names if attributes.get(name))


def _since(messages: list[Any], text: str) -> datetime:
    oldest = min(int(m["Attributes"]["SentTimestamp"]) for m in messages if _why(m) == text)
    return datetime.fromtimestamp(oldest / 1000, UTC)
