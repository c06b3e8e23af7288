"""Looking at an SQS queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

COUNTS = tuple(f"ApproximateNumberOfMessages{kind}" for kind in ("", "Delayed", "NotVisible"))


def attributes(sqs: SQSClient, url: str) -> dict[str, str]:
    """Return a queue's attributes."""
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return {str(name): value for name, value in found.items()}


def depth(sqs: SQSClient, url: str) -> int:
    """Return about how many messages are in a queue: ready, delayed and on their way."""
    found = attributes(sqs, url)
    return sum(int(found[name]) for name in COUNTS)
