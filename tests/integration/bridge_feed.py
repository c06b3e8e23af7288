"""The bridge's handler fed as AWS feeds it: batches of the buffer's messages, what it returns given again."""

from __future__ import annotations

import importlib
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.events import envelope
from tests.integration.sandbox import Driver

BRIDGE = Path(__file__).parents[2] / "infra" / "bridge"
RECORDS = 500  # messages of one invocation, as the template's batch size has it at high load
_BACK = 0.5  # seconds until what was returned is delivered again; a visibility time-out stands for it


class Feed:
    """The handler, in this process, and the flow runs that it made."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler
        self.refused = 0  # deliveries that came back, messages counted

    def deliver(self, interaction_ids: Sequence[str], seconds: float = 300) -> None:
        """Hand over one event for each interaction until every one of them is accepted."""
        self.deliver_bodies([envelope(id_) for id_ in interaction_ids], seconds)

    def deliver_bodies(self, bodies: Sequence[str], seconds: float = 300) -> None:
        """Hand over these messages, whatever they are, until every one of them is accepted."""
        messages = {str(uuid.uuid4()): body for body in bodies}
        deadline = time.monotonic() + seconds
        while messages:
            assert time.monotonic() < deadline, f"{len(messages)} messages were never accepted"
            left = list(messages)
            for start in range(0, len(left), RECORDS):
                self._once(messages, left[start : start + RECORDS])
            if messages:
                time.sleep(_BACK)

    def _once(self, messages: dict[str, str], names: list[str]) -> None:
        records = [{"messageId": name, "body": messages[name], "eventSource": "aws:sqs"} for name in names]
        answer = self._handler({"Records": records})
        returned = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        self.refused += len(returned)
        for name in set(names) - returned:
            del messages[name]


@contextmanager
def feed(driver: Driver, monkeypatch: pytest.MonkeyPatch, **settings: str) -> Iterator[Feed]:
    """The handler, set up for a sandbox as its template does; `settings` are more of its variables."""
    monkeypatch.syspath_prepend(str(BRIDGE))
    known = {
        "PREFECT_API_URL": driver.addresses.prefect_api_url,
        "DEPLOYMENT_NAME": "process-interactions/live",
        "DEAD_LETTER_QUEUE_URL": "",
    }
    for name, value in (known | settings).items():
        monkeypatch.setenv(name, value)
    module = importlib.import_module("handler")
    module.bridge.cache_clear()  # it is kept for as long as a process lives
    try:
        yield Feed(module.handler)
    finally:
        module.bridge.cache_clear()
