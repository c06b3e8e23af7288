"""How many messages were given up: the length of the dead-letter queue."""

from __future__ import annotations

import boto3

from tasks.stores.errors import wrap_aws_errors


def count(queue_url: str) -> int:
    """About how many messages the queue holds, as SQS says. Raises StoreUnavailable."""
    with wrap_aws_errors("the dead-letter queue"):
        answer = boto3.client("sqs").get_queue_attributes(
            QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])
