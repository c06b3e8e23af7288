"""The names that this process knows, each for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from tasks.stores.directory import NameKey

MAX_ENTRIES = 100_000  # some 20 MB; an organisation has thousands


class NameCache:
    """Names by key; None for an id that has none. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[NameKey, tuple[str | None, float]] = {}

    def missing(self, keys: Iterable[NameKey]) -> set[NameKey]:
        """Return the keys of which nothing is known now."""
        now, entries = self._clock(), self._entries
        return {key for key in keys if (found := entries.get(key)) is None or found[1] < now}

    def names(self, keys: Iterable[NameKey]) -> dict[NameKey, str]:
        """Return the names of those keys that have one; an old name stands until a newer one is known."""
        entries = self._entries
        return {key: found[0] for key in keys if (found := entries.get(key)) and found[0]}

    def add(self, key: NameKey, name: str | None, seconds: float) -> None:
        """Take a name as known for so many seconds; without a name the old one stands."""
        with self._lock:
            if len(self._entries) >= MAX_ENTRIES:
                self._entries = {}  # readers keep the mapping that they hold
            stands = self._entries.get(key)
            self._entries[key] = (name or (stands[0] if stands else None), self._clock() + seconds)
