"""Delivers the messages of one invocation: each is accepted, dead-lettered or returned to the buffer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from batching import Message, batch_name, idempotency_key, make_batches, split
from compression import RATIO
from errors import BatchRefused, DeliveryHalted
from prefect_api import CreatedRun

MAX_FAILED_RUNS = 20
"""Failed runs of one batch that one invocation goes past to reach a run that has not failed."""
MAX_POSTS_PER_COUNT = 10
"""Runs that are created before the waiting runs are counted again."""
MAX_LONE_REFUSALS = 20
"""Refusals of single messages in a row, after which the fault is taken for the deployment's."""


class Api(Protocol):
    """What delivery needs of Prefect; `prefect_api.PrefectApi` is the implementation."""

    requests: int

    def begin(self, remaining: Callable[[], float]) -> None:
        """Start an invocation."""

    def waiting_runs(self) -> int:
        """Return how many runs are due and have not started."""

    def reads_packed(self) -> bool:
        """Return whether the flow reads packed events."""

    def create_run(self, events: Sequence[str], key: str, name: str) -> CreatedRun:
        """Return the run of these events under this idempotency key; it gets the name if it is new."""


class Sink(Protocol):
    """What takes refused messages; `dead_letters.DeadLetters` is the implementation."""

    def send(self, message: Message, refused: BatchRefused) -> bool:
        """Return whether the queue has the message."""


@dataclass
class Report:
    """The outcome of each message by its id; it holds nothing of an event."""

    received: int
    runs: dict[str, int] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    dead: dict[str, BatchRefused] = field(default_factory=dict)
    returned: dict[str, str] = field(default_factory=dict)
    halted: DeliveryHalted | None = None
    waiting_runs: int | None = None
    requests: int = 0


class Delivery:
    """Posts messages to Prefect, batch by batch."""

    def __init__(
        self, api: Api, dead_letters: Sink, *, max_events: int, max_bytes: int, max_waiting_runs: int
    ) -> None:
        self._api = api
        self._dead_letters = dead_letters
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._max_waiting_runs = max_waiting_runs

    def deliver(self, messages: Sequence[Message], remaining: Callable[[], float]) -> Report:
        """Return the outcome of each message; `remaining` returns the seconds that are left."""
        self._api.begin(remaining)
        attempt = _Attempt(self._api, self._dead_letters, self._max_waiting_runs, Report(len(messages)))
        try:
            for batch in make_batches(
                messages, max_events=self._max_events, max_bytes=self._batch_bytes(messages)
            ):
                attempt.post(batch)
        except DeliveryHalted as halted:
            attempt.report.halted = halted
        return _completed(attempt.report, messages, self._api.requests)

    def _batch_bytes(self, messages: Sequence[Message]) -> int:
        """Return the most bytes of a batch; one that is too large when it is packed is refused, and split."""
        return self._max_bytes * (RATIO if messages and self._api.reads_packed() else 1)


def _completed(report: Report, messages: Sequence[Message], requests: int) -> Report:
    """Return the report with every message that has no outcome as returned."""
    code = report.halted.code if report.halted else "not-delivered"
    for message in messages:
        if message.message_id not in report.accepted and message.message_id not in report.dead:
            report.returned.setdefault(message.message_id, code)
    report.requests = requests
    return report


@dataclass
class _Attempt:
    """The state of one invocation. `capacity`: runs that may be created before the waiting ones are counted again."""

    api: Api
    dead_letters: Sink
    max_waiting_runs: int
    report: Report
    capacity: int = 0
    lone_refusals: int = 0

    def post(self, batch: list[Message]) -> None:
        """Post a batch, or its parts if it is refused; raise DeliveryHalted when nothing more can be posted."""
        self._require_capacity()
        try:
            run = self._accepted(batch)
        except BatchRefused as refused:
            self._refused(batch, refused)
            return
        if run is None:
            self.report.returned.update((message.message_id, "every-run-failed") for message in batch)
            return
        self.capacity -= 1
        self.lone_refusals = 0
        self.report.runs[run.run_id] = len(batch)
        self.report.accepted.update(message.message_id for message in batch)

    def _require_capacity(self) -> None:
        if self.capacity > 0:
            return
        waiting = self.report.waiting_runs = self.api.waiting_runs()
        if waiting > self.max_waiting_runs:
            raise DeliveryHalted("too-many-waiting-runs")
        self.capacity = min(MAX_POSTS_PER_COUNT, self.max_waiting_runs - waiting + 1)

    def _accepted(self, batch: list[Message]) -> CreatedRun | None:
        """Return the run that has the batch; None when MAX_FAILED_RUNS runs of it have failed."""
        events = [message.text for message in batch]
        base = key = idempotency_key(batch)
        for _ in range(MAX_FAILED_RUNS):
            run = self.api.create_run(events, key, batch_name(batch))
            if run.accepted:
                return run
            key = f"{base}:{run.run_id}"
        return None

    def _refused(self, batch: list[Message], refused: BatchRefused) -> None:
        if len(batch) > 1:
            for part in split(batch):
                self.post(part)
            return
        if self.lone_refusals >= MAX_LONE_REFUSALS:
            raise DeliveryHalted("everything-refused", refused.status)
        self.lone_refusals += 1
        self._dead_letter(batch[0], refused)

    def _dead_letter(self, message: Message, refused: BatchRefused) -> None:
        if refused.status >= 500:  # noqa: PLR2004  # an error of the server may be temporary
            self.report.returned[message.message_id] = f"refused-with-{refused.status}"
        elif self.dead_letters.send(message, refused):
            self.report.dead[message.message_id] = refused
        else:
            self.report.returned[message.message_id] = "no-dead-letter-queue"


def summary(report: Report) -> dict[str, Any]:
    """Return the counts, run ids and refusals of a report, for the log; nothing of an event."""
    halted = report.halted
    return {
        "received": report.received,
        "accepted": len(report.accepted),
        "deadLettered": len(report.dead),
        "returned": len(report.returned),
        "runs": report.runs,
        "requests": report.requests,
        "waitingRuns": report.waiting_runs,
        "stopped": {"code": halted.code, "status": halted.status} if halted else None,
        "refusals": _refusals(report),
    }


def _refusals(report: Report) -> dict[str, str]:
    """Return the outcome of each message that was refused by itself; at most 100, to bound the log line."""
    dead = {name: f"dead-lettered-{refused.status}" for name, refused in report.dead.items()}
    halted = report.halted.code if report.halted else None
    alone = {name: code for name, code in report.returned.items() if code != halted}
    return dict(list({**dead, **alone}.items())[:100])
