"""Deliver messages to a Lambda handler as AWS's event source mapping of an SQS queue does."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from tasks.values import chunked

_VISIBILITY_TIMEOUT = 0.5  # seconds until failed messages are delivered again


class EventSourceMapping:
    """Delivers messages in batches until the handler has accepted each of them."""

    def __init__(self, handler: Callable[[dict[str, Any]], dict[str, Any]], batch_size: int = 500) -> None:
        self._handler = handler
        self._batch_size = batch_size
        self.failures = 0  # deliveries of messages that the handler reported as failed

    def deliver(self, bodies: Sequence[str], seconds: float = 300) -> None:
        """Deliver messages with these bodies until all are accepted; raises TimeoutError."""
        messages = {str(uuid.uuid4()): body for body in bodies}
        deadline = time.monotonic() + seconds
        while messages:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(messages)} messages were not accepted within {seconds:.0f} s")
            for names in chunked(list(messages), self._batch_size):
                self._deliver_once(messages, names)
            if messages:
                time.sleep(_VISIBILITY_TIMEOUT)

    def _deliver_once(self, messages: dict[str, str], names: list[str]) -> None:
        records = [{"messageId": name, "body": messages[name], "eventSource": "aws:sqs"} for name in names]
        answer = self._handler({"Records": records})
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        self.failures += len(failed)
        for name in set(names) - failed:
            del messages[name]
