"""What passes between validate, process and save.

Ordinary classes on purpose: Prefect walks through the dataclasses and models that a task is given, looking for
futures, and a chunk holds a hundred whole conversations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from tasks.errors import PermanentError, PipelineError
from tasks.events import IgnoredEvent, InteractionEvent, Rejection
from tasks.genesys import ConversationBatch
from tasks.pipeline.outcomes import Outcome, OutcomeKind
from tasks.records import InteractionRecord
from tasks.stores import NO_NAMES, RowNames, Stored
from tasks.values import chunked

Priority = Literal["live", "background"]


class PipelineRun(NamedTuple):
    """How a flow run takes its interactions through process and save."""

    flow_run_id: str
    priority: Priority = "live"
    """The request limit that its requests count against: the whole one or the background share."""
    attempt: int = 1
    """How often these interactions have been asked for, this time included."""
    throttled: int = 0
    """Earlier attempts that Genesys throttled; they do not count towards DEFERRAL_LIMIT."""
    force: bool = False
    """Write even if the table holds a newer version; an erased interaction stays erased."""
    only_newer: bool = False
    """Write only what the table lacks or holds in an older version (reconcile)."""
    only_missing: bool = False
    """Write only what the table lacks; what it holds otherwise is skipped as DIFFERS (reconcile by details jobs)."""
    defer_unknown: bool = True
    """Defer what neither Genesys nor the table knows; False in a replay, where an unknown id fails at once."""


class InteractionWork:
    """One interaction of a batch, with every event of the batch that is about it."""

    __slots__ = ("events", "interaction_id")

    def __init__(self, interaction_id: str, events: Sequence[InteractionEvent]) -> None:
        self.interaction_id = interaction_id
        self.events = tuple(events)

    @classmethod
    def requested(cls, interaction_id: str, by: str, event_id: str) -> InteractionWork:
        """Return work that no event asked for: `by` names the operation (replay, reconcile) in the provenance."""
        event = InteractionEvent(
            interaction_id=interaction_id,
            event_id=event_id,
            event_type=by,
            source=by,
            detail_type="conversation.end",
        )
        return cls(interaction_id, [event])

    @property
    def first(self) -> InteractionEvent:
        """The event that the row's provenance names."""
        return self.events[0]

    def outcomes(self, kind: OutcomeKind, detail: str = "", due_at: str | None = None) -> list[Outcome]:
        """Return one outcome for each event: the first saved one saves, the others find the record stored."""
        saved = kind is OutcomeKind.SAVED
        repeated = OutcomeKind.UNCHANGED if saved else kind
        repeated_detail = "another event of this run saved it" if saved else detail
        first = Outcome(kind, self.first.event_id, self.interaction_id, detail, due_at)
        return [
            first,
            *(
                Outcome(repeated, event.event_id, self.interaction_id, repeated_detail, due_at)
                for event in self.events[1:]
            ),
        ]


class Chunk:
    """Interactions of one request to Genesys; `prefetched` are conversations that a query already returned."""

    __slots__ = ("prefetched", "works")

    def __init__(self, works: Sequence[InteractionWork], prefetched: ConversationBatch | None = None) -> None:
        self.works = tuple(works)
        self.prefetched = prefetched

    @property
    def interaction_ids(self) -> list[str]:
        """The ids of its interactions, in their order."""
        return [work.interaction_id for work in self.works]


class ValidatedBatch:
    """The interactions of a run's events, and the events that were rejected or ignored."""

    __slots__ = ("archived", "ignored", "rejections", "works")

    def __init__(
        self,
        works: list[InteractionWork],
        rejections: list[Rejection] | None = None,
        ignored: Sequence[IgnoredEvent] = (),
        archived: ConversationBatch | None = None,
    ) -> None:
        self.works = works
        self.rejections = rejections or []
        self.ignored = ignored
        self.archived = archived  # conversations that are not asked for again

    def ignored_outcomes(self) -> list[Outcome]:
        """Return an outcome for each event that was ignored."""
        return [Outcome(OutcomeKind.IGNORED, each.event_id, None, each.reason) for each in self.ignored]

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield the interactions in groups of at most `size`; those whose conversations are at hand first."""
        known = self.archived.conversations if self.archived else {}
        for part in chunked((work for work in self.works if work.interaction_id in known), size):
            yield Chunk(part, self.archived)
        yield from map(
            Chunk, chunked((work for work in self.works if work.interaction_id not in known), size)
        )


class FetchedInteraction(NamedTuple):
    """One interaction as Genesys gave it."""

    work: InteractionWork
    record: InteractionRecord
    conversation: dict[str, Any]
    names: RowNames = NO_NAMES


class SkipReason(StrEnum):
    """Why an interaction is not written; the value is the detail of its outcome `unchanged`."""

    ERASED = "the interaction was erased"
    OTHER_QUEUE = "it touched none of the queues in QUEUE_IDS"
    PRESENT = "the table holds this or newer"
    DIFFERS = "the table holds something else, which Genesys is asked for"
    STORED_BEFORE_LOSS = "this run stored it before its worker died"


class ProcessedChunk:
    """A chunk after process: each interaction is in exactly one of the lists."""

    __slots__ = (
        "correlation_id",
        "failed",
        "fetched",
        "missing",
        "postponed",
        "quarantined",
        "released",
        "skipped",
        "stored",
        "undecided",
    )

    def __init__(self, stored: dict[str, Stored], quarantined: frozenset[str]) -> None:
        self.stored = stored
        self.quarantined = quarantined  # interactions with a `failed` row, which a save removes
        self.fetched: list[FetchedInteraction] = []
        self.missing: list[InteractionWork] = []  # asked for, and not returned
        self.undecided: list[InteractionWork] = []  # not ended, and in no wanted queue so far
        self.skipped: list[tuple[InteractionWork, SkipReason]] = []
        self.failed: list[tuple[InteractionWork, PermanentError]] = []
        self.postponed: list[
            tuple[InteractionWork, PipelineError]
        ] = []  # Genesys could not be asked, and why
        self.correlation_id: str | None = None  # of Genesys's answer
        self.released = 0  # fetched, written, and no longer held

    def add_other_queue(self, work: InteractionWork, *, settled: bool) -> None:
        """Add an interaction that has touched no wanted queue: until it has settled it still may."""
        if settled:
            self.skipped.append((work, SkipReason.OTHER_QUEUE))
        else:
            self.undecided.append(work)

    def release(self) -> None:
        """Drop the conversations that are written: a run of thousands would hold all of them to its end."""
        self.released += len(self.fetched)
        self.fetched = []

    def postpone(self, works: Iterable[InteractionWork], error: PipelineError) -> ProcessedChunk:
        """Leave these interactions to a later run; returns the chunk."""
        self.postponed += ((work, error) for work in works)
        return self
