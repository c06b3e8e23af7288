"""Staged conversations into the tables: what stands in DynamoDB when it is read is what the tables say afterwards.

The order is what makes it true: the tables are loaded, then the rows are read, then the tables are committed on the
handles that were loaded, then the staged objects go. A commit of others in between is a conflict, and the batch
begins anew. A kill at any line leaves the staged objects, which are published again to the same effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any, Protocol

from tasks.lake.catalog import Lake
from tasks.lake.errors import LakeConflict
from tasks.lake.iceberg.tables import INTERACTION_TABLES, LoadedTables
from tasks.lake.publishing.batch import Batch
from tasks.lake.publishing.counts import PublishCounts
from tasks.lake.schema import Table
from tasks.stores.staging import StagedConversation, StagedObject, StagingBucket
from tasks.values import chunked

OBJECTS = 200
"""Staged objects of one batch, of a hundred conversations each at the most."""

SIZE = 64 << 20
"""Bytes in memory of the rows from which on they are committed, within a batch."""

ATTEMPTS = 5
"""Times that a batch begins anew because of others' commits, before the task's retries."""


class Rows(Protocol):
    """What is read of the interaction table."""

    def rows(self, interaction_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Return the whole items of those that have one, consistently read, by id."""
        ...


class Verdict(Enum):
    """What becomes of a staged conversation."""

    PUBLISH = auto()
    DROP = auto()
    WAIT = auto()


class Publisher:
    """Publishes staged objects, batch by batch. Methods raise LakeConflict and StoreUnavailable."""

    def __init__(
        self,
        lake: Lake,
        staging: StagingBucket,
        interactions: Rows,
        grace: timedelta,
        tables: Sequence[Table] = INTERACTION_TABLES,
    ) -> None:
        self._lake = lake
        self._declared = tables
        self._staging = staging
        self._interactions = interactions
        self._grace = grace

    def batches(self) -> list[list[StagedObject]]:
        """Return all staged objects, the oldest first, in batches."""
        return list(chunked(self._staging.list(), OBJECTS))

    def publish(self, staged: Sequence[StagedObject]) -> PublishCounts:
        """Publish what these objects hold and remove it from them; begin anew when others have committed."""
        counts, left = PublishCounts(), {each.key: each for each in staged}
        while True:
            try:
                self._publish(left, counts)
            except LakeConflict:
                counts.conflicts += 1
                if counts.conflicts == ATTEMPTS:
                    raise
            else:
                return counts

    def _publish(self, left: dict[str, StagedObject], counts: PublishCounts) -> None:
        """Publish objects in parts that fit into memory; whatever is done with leaves `left`."""
        tables = LoadedTables.load(self._lake, self._declared)  # before any row is read: see above
        part = _Part()
        for each in list(left.values()):
            entries = self._staging.read(each.key)
            if entries is not None:
                rows = self._interactions.rows(sorted({entry.interaction_id for entry in entries}))
                part.take(each, entries, rows, expired=self._is_expired(each))
            if part.batch.size > SIZE:
                self._commit(tables, part, left, counts)
                part = _Part()
        self._commit(tables, part, left, counts)

    def _commit(
        self, tables: LoadedTables, part: _Part, left: dict[str, StagedObject], counts: PublishCounts
    ) -> None:
        """Commit the tables, then take out of the objects what is published; the handles stay current."""
        part.counts.rows = tables.replace(part.batch.days, part.batch.ids, part.batch.rows())
        part.counts.days = part.batch.days
        for staged, waiting in part.read:
            if waiting is not None:
                self._staging.keep_only(staged, waiting)
            del left[staged.key]
        counts.add(part.counts)

    def _is_expired(self, staged: StagedObject) -> bool:
        return staged.modified < datetime.now(UTC) - self._grace


class _Part:
    """What has been read for one commit, and of each object what stays in it: None where all of it does."""

    def __init__(self) -> None:
        self.batch = Batch()
        self.counts = PublishCounts()
        self.read: list[tuple[StagedObject, Sequence[StagedConversation] | None]] = []

    def take(
        self,
        staged: StagedObject,
        entries: Sequence[StagedConversation],
        rows: Mapping[str, Mapping[str, Any]],
        *,
        expired: bool,
    ) -> None:
        """Take an object's conversations as far as they are the rows'."""
        found: dict[Verdict, list[StagedConversation]] = {each: [] for each in Verdict}
        for entry in entries:
            row = rows.get(entry.interaction_id)
            found[verdict(entry, row, expired=expired, forced=staged.forced)].append(entry)
        publish, waiting = found[Verdict.PUBLISH], found[Verdict.WAIT]
        self.batch.add([(rows[entry.interaction_id], entry.conversation) for entry in publish])
        self.read.append((staged, waiting if len(waiting) < len(entries) else None))
        self.counts.add(
            PublishCounts(len(publish), len(found[Verdict.DROP]), len(waiting), bytes=staged.size)
        )


def verdict(
    entry: StagedConversation, row: Mapping[str, Any] | None, *, expired: bool, forced: bool = False
) -> Verdict:
    """Return what becomes of a staged conversation, by the row that stands.

    One whose row is absent or older belongs to a save that has not written it yet, or never will: it waits until no
    such save can be left. A `forced` save writes over a newer row, so there an entry that is older waits, too.
    """
    if row is not None and "erasedAt" in row:
        return Verdict.DROP
    version = str((row or {}).get("version", ""))
    if version == entry.version:
        return Verdict.PUBLISH
    stale = version > entry.version and not forced
    return Verdict.DROP if expired or stale else Verdict.WAIT
