"""The tutorial's pipeline, with its calls counted: a Standard workflow of Step Functions for each event, four Lambdas.

A fan-out function starts a workflow for each event: ValidateEvent, CheckValid, ProcessInteraction, SaveResult. Each of
the three tasks is a function, the choice is a transition without one; the last writes one item. One event at a time, so
that none waits for another's CPU: the durations are as short as they can be here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

from tasks.events import InteractionEvent
from tasks.records import InteractionRecord
from tasks.stores import dynamodb
from tasks.stores.typed_json import marshal
from tests.benchmarks.aws_calls import record, record_invocation
from tests.benchmarks.competitor_process import serve_bursts
from tests.benchmarks.work import Work

T = TypeVar("T")


class Tutorial:
    """The four functions and the workflow."""

    def __init__(self) -> None:
        self._work = Work()
        self._database = dynamodb.client(1)
        self._table = os.environ["INTERACTION_TABLE"]
        self._transitions = 0

    def fan_out(self, text: str) -> None:
        """Start the workflow of an event: StartExecution is free, its transitions are not."""
        _invoke(lambda: text)
        event = self._enter(lambda: self._work.validate([text])[0])
        self._transitions += 1  # CheckValid
        found = self._enter(lambda: self._process(event))
        self._enter(lambda: self._save(found))
        record(
            {"service": "states", "operation": "Execution", "attempts": 1, "transitions": self._transitions}
        )
        self._transitions = 0

    def _enter(self, function: Callable[[], T]) -> T:
        self._transitions += 1
        return _invoke(function)

    def _process(self, event: InteractionEvent) -> InteractionRecord:
        """Ask Genesys for this one interaction."""
        return self._work.records([event.interaction_id])[0]

    def _save(self, found: InteractionRecord) -> None:
        """Write what the tutorial keeps: an id, a time, and a few details. `settled` is for the benchmark's count."""
        content = found.content
        details = {
            name: content.get(name) for name in ("mediaType", "durationMs", "customerEmail", "agentName")
        }
        item: dict[str, Any] = {
            "interactionId": found.interaction_id,
            "timestamp": content.get("startedAt"),
            "details": details,
            "settled": True,
        }
        self._database.put_item(TableName=self._table, Item=marshal(item))


def _invoke(function: Callable[[], T]) -> T:
    began = time.perf_counter()
    result = function()
    record_invocation((time.perf_counter() - began) * 1000)
    return result


def main() -> None:
    """Serve bursts."""
    tutorial = Tutorial()

    def burst(texts: list[str]) -> None:
        for text in texts:
            tutorial.fan_out(text)

    serve_bursts(burst)


if __name__ == "__main__":
    main()
