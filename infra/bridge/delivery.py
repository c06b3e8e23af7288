"""The delivery of one invocation's messages: what was accepted, what was refused, what goes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from outcomes import Refused, Stopped
from packing import Message, halve, idempotency_key, pack
from prefect_api import Run

MOST_OLD_RUNS = 20
"""Failed runs of one batch that are walked past in one invocation."""
MOST_POSTS_PER_COUNT = 10
"""New runs between two looks at how many wait."""
MOST_LONE_REFUSALS = 20
"""Lone refusals in a row after which the fault must be the deployment's, not that of so many events."""


class Api(Protocol):
    """What delivery needs of Prefect; `prefect_api.PrefectApi` is the one in use."""

    requests: int

    def begin(self, remaining: Callable[[], float]) -> None:
        """Start an invocation."""

    def waiting_runs(self) -> int:
        """Return how many due runs wait."""

    def create_run(self, events: Sequence[str], key: str) -> Run:
        """Return the run."""


class Sink(Protocol):
    """Where poison goes; `dead_letters.DeadLetters` is the one in use."""

    def send(self, message: Message, refused: Refused) -> bool:
        """Return whether it arrived."""


@dataclass
class Report:
    """What became of each message, by message id; holds nothing of an event."""

    received: int
    runs: dict[str, int] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    dead: dict[str, Refused] = field(default_factory=dict)
    returned: dict[str, str] = field(default_factory=dict)
    stopped: Stopped | None = None
    waiting_runs: int | None = None
    requests: int = 0


class Delivery:
    """Takes messages to Prefect, batch by batch, until they are accepted, refused or must wait."""

    def __init__(
        self, api: Api, dead_letters: Sink, *, max_events: int, max_bytes: int, max_waiting_runs: int
    ) -> None:
        self._api = api
        self._dead_letters = dead_letters
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._max_waiting_runs = max_waiting_runs

    def deliver(self, messages: Sequence[Message], remaining: Callable[[], float]) -> Report:
        """Return what became of the messages; `remaining` returns the seconds left to do it."""
        self._api.begin(remaining)
        attempt = _Attempt(self._api, self._dead_letters, self._max_waiting_runs, Report(len(messages)))
        try:
            for batch in pack(messages, max_events=self._max_events, max_bytes=self._max_bytes):
                attempt.post(batch)
        except Stopped as stopped:
            attempt.report.stopped = stopped
        return _settled(attempt.report, messages, self._api.requests)


def _settled(report: Report, messages: Sequence[Message], requests: int) -> Report:
    """Return the report with every message that nobody took as returned."""
    code = report.stopped.code if report.stopped else "not-delivered"
    for message in messages:
        if message.message_id not in report.accepted and message.message_id not in report.dead:
            report.returned.setdefault(message.message_id, code)
    report.requests = requests
    return report


@dataclass
class _Attempt:
    """One invocation's state: the room that is left before the waiting runs are counted again."""

    api: Api
    dead_letters: Sink
    max_waiting_runs: int
    report: Report
    room: int = 0
    lone_refusals: int = 0

    def post(self, batch: list[Message]) -> None:
        """Have a batch accepted, or its halves, or their halves; raise Stopped when nothing more can be."""
        self._have_room()
        try:
            run = self._accepted(batch)
        except Refused as refused:
            self._refused(batch, refused)
            return
        if run is None:
            self.report.returned.update((message.message_id, "every-run-failed") for message in batch)
            return
        self.room -= 1
        self.lone_refusals = 0
        self.report.runs[run.run_id] = len(batch)
        self.report.accepted.update(message.message_id for message in batch)

    def _have_room(self) -> None:
        if self.room > 0:
            return
        waiting = self.report.waiting_runs = self.api.waiting_runs()
        if waiting > self.max_waiting_runs:
            raise Stopped("too-many-waiting-runs")
        self.room = min(MOST_POSTS_PER_COUNT, self.max_waiting_runs - waiting + 1)

    def _accepted(self, batch: list[Message]) -> Run | None:
        """Return the run that has the batch, or None when every run of it that there is has failed."""
        events = [message.text for message in batch]
        base = key = idempotency_key(batch)
        for _ in range(MOST_OLD_RUNS):
            run = self.api.create_run(events, key)
            if run.accepted:
                return run
            key = f"{base}:{run.run_id}"
        return None

    def _refused(self, batch: list[Message], refused: Refused) -> None:
        if len(batch) > 1:
            for half in halve(batch):
                self.post(half)
            return
        if self.lone_refusals >= MOST_LONE_REFUSALS:
            raise Stopped("everything-refused", refused.status)
        self.lone_refusals += 1
        self._poison(batch[0], refused)

    def _poison(self, message: Message, refused: Refused) -> None:
        if refused.status >= 500:  # noqa: PLR2004  # a server's error may pass
            self.report.returned[message.message_id] = f"refused-with-{refused.status}"
        elif self.dead_letters.send(message, refused):
            self.report.dead[message.message_id] = refused
        else:
            self.report.returned[message.message_id] = "no-dead-letter-queue"


def summary(report: Report) -> dict[str, Any]:
    """Return the counts, run ids and refusals of a report as JSON; nothing of an event."""
    stopped = report.stopped
    return {
        "received": report.received,
        "accepted": len(report.accepted),
        "deadLettered": len(report.dead),
        "returned": len(report.returned),
        "runs": report.runs,
        "requests": report.requests,
        "waitingRuns": report.waiting_runs,
        "stopped": {"code": stopped.code, "status": stopped.status} if stopped else None,
        "refusals": _refusals(report),
    }


def _refusals(report: Report) -> dict[str, str]:
    """Return the outcome of each message refused by itself, 100 at the most: a log line is finite."""
    dead = {name: f"dead-lettered-{refused.status}" for name, refused in report.dead.items()}
    stopped = report.stopped.code if report.stopped else None
    alone = {name: code for name, code in report.returned.items() if code != stopped}
    return dict(list({**dead, **alone}.items())[:100])
