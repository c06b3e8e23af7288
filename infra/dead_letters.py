"""The dead-letter queue: why its messages are there, whether an interaction's is among them, and the way back.

SQS has no search. To look, messages are received, held until each has been seen once, and given back.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.errors import InvalidInput, OperationRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import MessageTypeDef

QUEUE_COUNTS: Sequence[QueueAttributeNameType] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)
MAX_BATCH = 10  # messages in one request of SQS
SAMPLE = 100  # messages of which the reasons are read
MAX_SEARCHED = 1_000  # messages that are searched for an interaction
HOLD_SECONDS = 120  # a received message is hidden for so long, unless it is given back
LOOK_SECONDS = 20.0  # after which no more messages are received for a look
EMPTY_ANSWERS = 2  # in a row: the whole queue has been received


@dataclass(frozen=True)
class DeadLetter:
    """One message: the bridge's or EventBridge's code and reason, and since when (epoch milliseconds)."""

    code: str
    reason: str
    sent_at: int


@dataclass(frozen=True)
class SearchResult:
    """What a search found: `looked` of about `holds` messages were read. If they differ, none found is no proof."""

    looked: int
    holds: int
    found: tuple[DeadLetter, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True)
class DeadLetterReason:
    """A reason, how many of the read messages have it, and when the oldest of them was sent."""

    text: str
    count: int
    since: datetime


class DeadLetterQueue:
    """The dead-letter queue of a stack, and the buffer that its messages go back to."""

    def __init__(self, sqs: SQSClient, outputs: Mapping[str, str]) -> None:
        self.sqs = sqs
        self.url, self.buffer_url = outputs["DeadLetterQueueUrl"], outputs["BufferQueueUrl"]
        self.buffer_is_read = outputs["Bridge"] == "lambda"

    def count(self) -> int:
        """Return about how many messages it has."""
        return queue_depth(self.sqs, self.url)

    def look(self) -> tuple[int, list[DeadLetterReason]]:
        """Return about how many messages it has, and the reasons of up to SAMPLE of them; all stay in the queue."""
        with held_messages(self.sqs, self.url, SAMPLE) as messages:
            return max(self.count(), len(messages)), _reasons(messages)

    def redrive(self, rate: float, advance: Callable[[int], None] = lambda _: None) -> int:
        """Send every message back to the buffer, at most `rate` a second, and return how many were sent.

        A message is deleted after it was sent: a failure in between leaves it in both queues, and a second delivery
        changes nothing. Messages that the bridge dead-letters after the start are left. Raises InvalidInput for a rate
        that sends none.
        """
        if not rate > 0:  # nan, too
            raise InvalidInput(f"--rate is {rate:g}: more than 0 messages a second")
        if not self.buffer_is_read:
            raise OperationRefused(
                "with an API destination nothing reads the buffer: bring events back with `replay`, "
                "or deploy with --bridge lambda first"
            )
        moved, began = 0, time.time() * 1000
        while batch := _receive(self.sqs, self.url):
            older = [message for message in batch if _sent_at(message) <= began]
            _give_back(self.sqs, self.url, [message for message in batch if message not in older])
            if not older:
                break
            started = time.monotonic()
            sent = self._move(older)
            moved += sent
            advance(sent)
            time.sleep(max(0.0, len(older) / rate - (time.monotonic() - started)))
        return moved

    def _move(self, batch: list[MessageTypeDef]) -> int:
        """Send and delete one by one: a batch request takes 1 MiB in all, and a message alone can have as much."""
        for message in batch:
            # Without its attributes, which give the reason of the former failure.
            self.sqs.send_message(QueueUrl=self.buffer_url, MessageBody=message["Body"])
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return len(batch)


def search(sqs: SQSClient, queue_url: str, interaction_id: str, *, limit: int = MAX_SEARCHED) -> SearchResult:
    """Return the messages that name an interaction (its id in lower case); all stay in the queue.

    Raises botocore's errors.
    """
    with held_messages(sqs, queue_url, limit) as messages:
        found = [message for message in messages if interaction_id in message.get("Body", "").lower()]
        holds = max(queue_depth(sqs, queue_url), len(messages))
        return SearchResult(len(messages), holds, tuple(map(_dead_letter, found)))


def queue_depth(sqs: SQSClient, queue_url: str) -> int:
    """Return about how many messages a queue has: ready, delayed and in flight."""
    found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=QUEUE_COUNTS)["Attributes"]
    return sum(int(found[name]) for name in QUEUE_COUNTS)


@contextmanager
def held_messages(sqs: SQSClient, queue_url: str, limit: int) -> Iterator[list[MessageTypeDef]]:
    """Yield up to `limit` messages, which are given back at the end, also when receiving them failed midway."""
    held: dict[str, MessageTypeDef] = {}  # by id: a message can be received twice
    try:
        for message in _receive_many(sqs, queue_url, limit):
            held[message["MessageId"]] = message
        yield list(held.values())
    finally:
        _give_back(sqs, queue_url, list(held.values()))


def _receive_many(sqs: SQSClient, queue_url: str, limit: int) -> Iterator[MessageTypeDef]:
    deadline = time.monotonic() + LOOK_SECONDS
    received = empty = 0
    while received < limit and empty < EMPTY_ANSWERS and time.monotonic() < deadline:
        batch = _receive(sqs, queue_url, min(MAX_BATCH, limit - received))
        yield from batch
        received += len(batch)
        empty = 0 if batch else empty + 1


def _receive(sqs: SQSClient, queue_url: str, limit: int = MAX_BATCH) -> list[MessageTypeDef]:
    answer = sqs.receive_message(
        QueueUrl=queue_url,
        MaxNumberOfMessages=limit,
        VisibilityTimeout=HOLD_SECONDS,
        WaitTimeSeconds=1,
        MessageSystemAttributeNames=["SentTimestamp"],
        MessageAttributeNames=["All"],
    )
    return answer.get("Messages", [])


def _give_back(sqs: SQSClient, queue_url: str, messages: Sequence[MessageTypeDef]) -> None:
    for start in range(0, len(messages), MAX_BATCH):
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
            for number, message in enumerate(messages[start : start + MAX_BATCH])
        ]
        sqs.change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)


def _dead_letter(message: MessageTypeDef) -> DeadLetter:
    texts = _texts(message)
    code = texts.get("code") or texts.get("ERROR_CODE") or "unknown"
    return DeadLetter(code, texts.get("reason") or texts.get("ERROR_MESSAGE") or "", _sent_at(message))


def _reasons(messages: Sequence[MessageTypeDef]) -> list[DeadLetterReason]:
    counts = Counter(_why(message) for message in messages)
    return [DeadLetterReason(text, count, _since(messages, text)) for text, count in counts.most_common()]


def _why(message: MessageTypeDef) -> str:
    """Return the bridge's reason, or EventBridge's; a message with neither was received too often."""
    texts = _texts(message)
    names = ("code", "status", "reason") if "code" in texts else ("ERROR_CODE", "ERROR_MESSAGE")
    known = " ".join(texts[name] for name in names if texts.get(name))
    return known or "received too often without being accepted"


def _texts(message: MessageTypeDef) -> dict[str, str]:
    """The message's attributes: in lower case the bridge's, in capitals EventBridge's."""
    return {
        name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()
    }


def _since(messages: Sequence[MessageTypeDef], text: str) -> datetime:
    oldest = min(_sent_at(message) for message in messages if _why(message) == text)
    return datetime.fromtimestamp(oldest / 1000, UTC)


def _sent_at(message: MessageTypeDef) -> int:
    return int(message["Attributes"]["SentTimestamp"])
