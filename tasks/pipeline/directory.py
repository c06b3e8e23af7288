"""Names for records: out of this process's memory, else out of the shared table, else from Genesys.

Names are never worth a record: whatever fails here costs the names, and a later save or the daily refresh has them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextvars import copy_context
from typing import TYPE_CHECKING, Protocol

from tasks.errors import PipelineError
from tasks.pipeline.name_cache import NameCache
from tasks.pipeline.name_requests import PAUSE, NameRequests
from tasks.stores.directory import DirectoryEntry, NameKey

if TYPE_CHECKING:
    from tasks.settings import Settings

_log = logging.getLogger(__name__)


class EntryStore(Protocol):
    """What the directory needs of the table."""

    def lookup(self, keys: Iterable[NameKey]) -> list[DirectoryEntry]:
        """Return the valid entries of these keys."""
        ...

    def put(self, entries: Iterable[DirectoryEntry]) -> None:
        """Write entries."""
        ...

    def entries(self) -> Iterator[DirectoryEntry]:
        """Yield every valid entry."""
        ...


class Directory:
    """Names by key; thread-safe.

    One thread asks Genesys for what all chunks lack. A chunk waits for it DIRECTORY_WAIT seconds at most, and not at
    all while an earlier chunk has waited in vain; what comes late serves the chunks that follow.
    """

    def __init__(self, store: EntryStore, requests: NameRequests, settings: Settings) -> None:
        self.requests = requests
        self._store = store
        self._wait = settings.directory_wait
        self._seconds = settings.directory_cache
        self._cache = NameCache()
        self._answered = threading.Condition()
        self._wanted: set[NameKey] = set()
        self._asking = self._late = False

    def names(self, keys: AbstractSet[NameKey]) -> dict[NameKey, str]:
        """Return the names that are known within DIRECTORY_WAIT seconds, by key. Raises no PipelineError."""
        if missing := self._cache.missing(keys):
            self._read(missing)
        if missing and (missing := self._cache.missing(keys)):
            self._ask(missing)
        return self._cache.names(keys)

    def entries(self) -> list[DirectoryEntry]:
        """Return all that the table knows. Raises StoreUnavailable."""
        return list(self._store.entries())

    def put(self, entries: Collection[DirectoryEntry]) -> None:
        """Write entries to the table and into this process's memory. Raises StoreUnavailable and ItemRefused."""
        self.learnt(entries)
        self._store.put(entries)

    def learnt(self, entries: Iterable[DirectoryEntry]) -> None:
        """Take entries into this process's memory; a pending one for as long as its kind is not asked for."""
        for entry in entries:
            seconds = self.requests.paused_seconds(entry.key.kind) if entry.pending else self._seconds
            self._cache.add(entry.key, entry.name, seconds)

    def _read(self, keys: set[NameKey]) -> None:
        """Bring what the table knows of these keys into memory."""
        try:
            self.learnt([entry for entry in self._store.lookup(keys) if not entry.pending])
        except PipelineError as error:
            self._give_up(keys, error)

    def _ask(self, keys: set[NameKey]) -> None:
        """Have Genesys asked for these keys, and wait for its answer."""
        with self._answered:
            self._wanted |= keys
            if not self._asking:
                self._asking = True
                threading.Thread(
                    target=copy_context().run, args=(self._ask_all,), name="directory", daemon=True
                ).start()
            if self._late:
                return
            if not self._answered.wait_for(lambda: not self._cache.missing(keys), self._wait):
                self._late = True
                _log.warning("names take longer than DIRECTORY_WAIT: records are saved without those")

    def _ask_all(self) -> None:
        """Ask until nothing is wanted any more."""
        while keys := self._take():
            try:
                self.put(self.requests.ask(keys))
            except Exception as error:  # noqa: BLE001 - a bug of ours must not end the thread: names are not worth it
                self._give_up(keys, error)
            with self._answered:
                self._late = False
                self._answered.notify_all()

    def _take(self) -> set[NameKey]:
        """Return the keys to ask for; when there are none, the thread ends."""
        with self._answered:
            keys, self._wanted = self._cache.missing(self._wanted), set()
            self._asking = bool(keys)
            return keys

    def _give_up(self, keys: set[NameKey], error: Exception) -> None:
        """Do without these names for a while."""
        _log.warning(
            "some names are not available (%s)", error if isinstance(error, PipelineError) else type(error)
        )
        for key in self._cache.missing(keys):
            self._cache.add(key, None, PAUSE)
