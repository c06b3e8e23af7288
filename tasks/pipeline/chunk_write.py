"""A chunk being written: what has been done so far, so that a retry of the task does only what is left."""

from __future__ import annotations

from datetime import UTC, datetime

from tasks import telemetry
from tasks.pipeline.chunk_staging import ChunkStaging
from tasks.pipeline.outcomes import Outcome, OutcomeKind
from tasks.pipeline.work import InteractionWork, ProcessedChunk
from tasks.stores import Deferral
from tasks.values import iso


class ChunkWrite:
    """The state of one chunk's writing; an ordinary class, for Prefect would walk through a dataclass."""

    __slots__ = ("complete", "deferred", "inserted", "outcomes", "processed", "staging")

    def __init__(self, processed: ProcessedChunk) -> None:
        self.processed = processed
        self.inserted: dict[str, Deferral | None] = {}  # new rows, and when each is asked for again
        self.outcomes: dict[str, list[Outcome]] = {}
        self.deferred: list[tuple[InteractionWork, Deferral]] = []  # those that need a later run
        self.complete = False
        self.staging = ChunkStaging()

    def finish(self, work: InteractionWork, kind: OutcomeKind, detail: str = "") -> None:
        """Note an interaction's outcome."""
        self.outcomes[work.interaction_id] = work.outcomes(kind, detail)

    def ask_again(self, work: InteractionWork, deferral: Deferral) -> None:
        """Note that a stored interaction is asked for once more; its outcome is another matter."""
        self.deferred.append((work, deferral))

    def defer(self, work: InteractionWork, deferral: Deferral, why: str, *, needs_run: bool) -> None:
        """Note that an interaction waits; `needs_run` when no run is scheduled for it yet."""
        age = (datetime.now(UTC) - deferral.since).total_seconds()
        telemetry.record(telemetry.DEFERRAL_AGE, max(0.0, age), reason=deferral.reason.value)
        detail = f"{why}; attempt {deferral.attempt} is due"
        self.outcomes[work.interaction_id] = work.outcomes(OutcomeKind.DEFERRED, detail, iso(deferral.due_at))
        if needs_run:
            self.deferred.append((work, deferral))
