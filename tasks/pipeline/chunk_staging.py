"""The objects in S3 that hold a chunk's conversations while its rows are written."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tasks.pipeline.work import FetchedInteraction
from tasks.stores import StagedConversation, StagingBucket
from tasks.stores.staging import new_key


class ChunkStaging:
    """What of a chunk is staged, and what of that has to go again; an ordinary class, as ChunkWrite is."""

    __slots__ = ("_keys", "_usable_until", "erased")

    def __init__(self) -> None:
        self._keys: list[str] = []  # of every attempt: an object may stand though its answer was lost
        self._usable_until = 0.0
        self.erased: set[str] = set()
        """Interactions whose rows were refused: no object may hold them when the chunk is written."""

    @property
    def key(self) -> str:
        """The object that holds what is left to be written."""
        return self._keys[-1]

    def put(
        self, bucket: StagingBucket, left: Sequence[FetchedInteraction], *, grace: float, forced: bool
    ) -> None:
        """Put the conversations into one object, unless an earlier attempt did within half of the grace (seconds).

        Publish takes an entry without a row for abandoned after the whole of it. Raises StoreUnavailable.
        """
        began = time.monotonic()
        if began < self._usable_until:
            return
        self._keys.append(new_key(forced=forced))
        entries = [
            StagedConversation(each.work.interaction_id, each.record.version, each.conversation)
            for each in left
        ]
        bucket.put(entries, self.key)
        self._usable_until = began + grace / 2

    def remove_erased(self, bucket: StagingBucket) -> None:
        """Remove the erased interactions from every object of the chunk. Raises StoreUnavailable."""
        ids = frozenset(self.erased)
        for key in self._keys if ids else ():
            bucket.remove(ids, key)
        self.erased -= ids
