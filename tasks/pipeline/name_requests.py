"""Asking Genesys for names, kind by kind: one that fails or is refused is left alone for a while."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from tasks.errors import PipelineError
from tasks.genesys import NameKind, NotPermitted, RetryLater
from tasks.records.json_values import text
from tasks.stores.directory import DirectoryEntry, NameKey

if TYPE_CHECKING:
    from tasks.settings import Settings

_log = logging.getLogger(__name__)

PAUSE = 60.0  # seconds for which a kind is not asked for after a failure
_MAX_PAUSE = 900.0  # and after a refusal: a permission that is given takes effect within that time
_DAY = 86_400


class NamesApi(Protocol):
    """What is needed of the Genesys client."""

    def get_names(self, kind: NameKind, ids: Iterable[str]) -> dict[str, str]:
        """Return the names that Genesys has, by id."""
        ...


class NameRequests:
    """Makes directory entries out of Genesys's answers; for one thread at a time."""

    def __init__(self, genesys: NamesApi, settings: Settings) -> None:
        self._genesys = genesys
        self._named_seconds = settings.directory_days * _DAY
        self._unknown_seconds = int(settings.directory_unknown)
        self._paused_until: dict[NameKind, float] = {}
        self._told: set[NameKind] = set()

    def ask(self, keys: Iterable[NameKey]) -> list[DirectoryEntry]:
        """Return an entry for each key; a `pending` one where Genesys gives no answer now. Raises no PipelineError."""
        by_kind: dict[NameKind, list[str]] = defaultdict(list)
        for key in keys:
            by_kind[NameKind(key.kind)].append(key.id)
        return [entry for kind, ids in by_kind.items() for entry in self._entries_or_pending(kind, ids)]

    def entries(self, kind: NameKind, ids: Iterable[str]) -> list[DirectoryEntry]:
        """Return what Genesys says of these ids now. Raises GenesysError."""
        wanted = list(ids)
        return self._made(kind, wanted, self._genesys.get_names(kind, wanted))

    def paused_seconds(self, kind: str) -> float:
        """Return for how many seconds a kind is not asked for, at least one."""
        return max(self._paused_until.get(NameKind(kind), 0.0) - time.monotonic(), 1.0)

    def _entries_or_pending(self, kind: NameKind, ids: list[str]) -> list[DirectoryEntry]:
        if self._paused_until.get(kind, 0.0) <= time.monotonic():
            try:
                return self.entries(kind, ids)
            except PipelineError as error:
                self._pause(kind, error)
        return self._made(kind, ids, {}, pending=True)

    def _made(
        self, kind: NameKind, ids: Iterable[str], names: Mapping[str, str], *, pending: bool = False
    ) -> list[DirectoryEntry]:
        now, entries = int(time.time()), []
        for id_ in ids:
            name = text(names.get(id_))
            expires_at = now + (self._named_seconds if name else self._unknown_seconds)
            entries.append(DirectoryEntry(NameKey(kind, id_), name, expires_at, pending=pending))
        return entries

    def _pause(self, kind: NameKind, error: PipelineError) -> None:
        """Leave a kind alone for a while, and say why: once what a person has to correct."""
        seconds = PAUSE
        if isinstance(error, NotPermitted):
            seconds = _MAX_PAUSE
            self.tell_once(kind, error)
        else:
            _log.warning("names of %s are not available: %s", kind.label, error)
        if isinstance(error, RetryLater):
            seconds = min(max(error.retry_after, PAUSE), _MAX_PAUSE)
        self._paused_until[kind] = time.monotonic() + seconds

    def tell_once(self, kind: NameKind, error: NotPermitted) -> None:
        """Log which permission is missing, once for each kind."""
        if kind not in self._told:
            self._told.add(kind)
            message = "rows get no names of %s: the OAuth client has no role with %s (%s)"
            _log.warning(message, kind.label, kind.permission, error)
