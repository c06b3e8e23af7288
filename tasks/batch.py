"""What travels between the tasks of one run.

These are ordinary classes on purpose: Prefect walks through dataclasses and models that are given to a task,
looking for futures, and a chunk holds a hundred whole conversations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from tasks.errors import PermanentError, PipelineError
from tasks.events import InteractionEvent, Rejection
from tasks.outcomes import Kind, Outcome
from tasks.records import InteractionRecord
from tasks.stores import Stored


class Work:
    """One interaction of a batch, with every event of the batch that is about it."""

    __slots__ = ("events", "interaction_id")

    def __init__(self, interaction_id: str, events: Sequence[InteractionEvent]) -> None:
        self.interaction_id = interaction_id
        self.events = tuple(events)

    @property
    def first(self) -> InteractionEvent:
        """The event that the row's provenance names."""
        return self.events[0]

    def outcomes(self, kind: Kind, detail: str = "", due_at: str | None = None) -> list[Outcome]:
        """One outcome for each event: the first saved one saves, the others find it there."""
        rest = Kind.UNCHANGED if kind is Kind.SAVED else kind
        rest_detail = "another event of this run saved it" if kind is Kind.SAVED else detail
        return [
            Outcome(
                kind if number == 0 else rest,
                event.event_id,
                self.interaction_id,
                detail if number == 0 else rest_detail,
                due_at,
            )
            for number, event in enumerate(self.events)
        ]


class Validated:
    """A batch after validation."""

    __slots__ = ("rejections", "works")

    def __init__(self, works: list[Work], rejections: list[Rejection]) -> None:
        self.works = works
        self.rejections = rejections

    def chunks(self, size: int) -> Iterator[list[Work]]:
        """The interactions in groups of at most `size`: one details request each."""
        works = iter(self.works)
        while chunk := list(islice(works, size)):
            yield chunk


class Fetched(NamedTuple):
    """One interaction as Genesys gave it."""

    work: Work
    record: InteractionRecord
    conversation: dict[str, Any]


class Processed:
    """A chunk after process: each interaction is in exactly one of the lists."""

    __slots__ = (
        "correlation_id",
        "failed",
        "fetched",
        "ignored",
        "missing",
        "postponed",
        "quarantined",
        "released",
        "stored",
    )

    def __init__(self, stored: dict[str, Stored], quarantined: frozenset[str]) -> None:
        self.stored = stored
        self.quarantined = quarantined  # interactions with a `failed` row, which a save removes
        self.fetched: list[Fetched] = []
        self.missing: list[Work] = []  # asked for, and not returned
        self.ignored: list[tuple[Work, str]] = []  # erased, or of another queue: nothing to do, and why
        self.failed: list[tuple[Work, PermanentError]] = []
        self.postponed: list[tuple[Work, PipelineError]] = []  # Genesys could not be asked, and why not
        self.correlation_id: str | None = None  # of Genesys's answer
        self.released = 0  # fetched, written, and no longer held

    def release(self) -> None:
        """Let go of what has been written: a run of thousands would hold every conversation to its end."""
        self.released += len(self.fetched)
        self.fetched = []

    def postpone(self, works: Iterable[Work], why: PipelineError) -> Processed:
        """Leave these interactions to a later run."""
        self.postponed += ((work, why) for work in works)
        return self
