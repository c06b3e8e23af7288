"""Sends messages that Prefect refuses because of their content to the dead-letter queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from batching import Message
    from errors import BatchRefused
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

MAX_BODY_BYTES = 1_040_000
"""The limit of SQS is 1,048,576 bytes, with the attributes."""


class DeadLetters:
    """The dead-letter queue: a message goes there as it was received, with the reason in its attributes."""

    def __init__(self, sqs: SQSClient | None, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def send(self, message: Message, refused: BatchRefused) -> bool:
        """Return whether the queue has the message."""
        if self._sqs is None:
            return False
        try:
            return self._sent(self._sqs, message, refused)
        except (ClientError, BotoCoreError):
            return False

    def _sent(self, sqs: SQSClient, message: Message, refused: BatchRefused) -> bool:
        """Send the original body, or the allowed text when the queue does not take the original."""
        if 0 < len(message.body.encode("utf-8", "surrogatepass")) <= MAX_BODY_BYTES:
            try:
                self._put(sqs, message.body, _attributes(message, refused, "original"))
            except (ClientError, UnicodeError):
                pass  # a queue with a smaller limit, or characters that SQS rejects
            else:
                return True
        self._put(sqs, message.text, _attributes(message, refused, "slim"))
        return True

    def _put(self, sqs: SQSClient, body: str, attributes: dict[str, MessageAttributeValueTypeDef]) -> None:
        sqs.send_message(QueueUrl=self._queue_url, MessageBody=body, MessageAttributes=attributes)


def _attributes(
    message: Message, refused: BatchRefused, form: str
) -> dict[str, MessageAttributeValueTypeDef]:
    """Return the reason as attributes. `form`: original, or slim for the allowed text."""
    values = {
        "code": "refused-by-prefect",
        "status": str(refused.status),
        "reason": _ascii(refused.reason),
        "messageId": _ascii(message.message_id)[:100],
        "form": form,
    }
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")
