"""The dead-letter queue: where a message goes that Prefect refuses for what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef
    from outcomes import Refused
    from packing import Message

LARGEST_BODY = 1_040_000
"""Bytes; SQS takes 1,048,576 with the attributes."""


class DeadLetters:
    """Sends refused messages to the dead-letter queue, as they came, with the reason as attributes."""

    def __init__(self, sqs: SQSClient | None, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def send(self, message: Message, refused: Refused) -> bool:
        """Return whether the queue has the message now."""
        if self._sqs is None:
            return False
        try:
            return self._sent(self._sqs, message, refused)
        except (ClientError, BotoCoreError):
            return False

    def _sent(self, sqs: SQSClient, message: Message, refused: Refused) -> bool:
        """Send the message whole; what travels of it when the queue does not take it whole."""
        if 0 < len(message.body.encode("utf-8", "surrogatepass")) <= LARGEST_BODY:
            try:
                self._put(sqs, message.body, _attributes(message, refused, "original"))
            except (ClientError, UnicodeError):
                pass  # a queue with a smaller limit, or characters that SQS does not take
            else:
                return True
        self._put(sqs, message.text, _attributes(message, refused, "slim"))
        return True

    def _put(self, sqs: SQSClient, body: str, attributes: dict[str, MessageAttributeValueTypeDef]) -> None:
        sqs.send_message(QueueUrl=self._queue_url, MessageBody=body, MessageAttributes=attributes)


def _attributes(message: Message, refused: Refused, form: str) -> dict[str, MessageAttributeValueTypeDef]:
    """Return why the message is here; `form` tells whether its body is the original or what travels of it."""
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
