"""Which workers of a pool are gone: their heartbeats ceased while one's own went on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.client.schemas.objects import Worker


class Silences:
    """How many of one's own heartbeats the server has noted since it noted each other worker's last one.

    No clock is read: while the server is away or slow, nobody's heartbeats arrive and no silence grows. A worker is
    gone after `beats` of them. One that the server does not list is gone, too, once it was not for as long.
    """

    def __init__(self, own: str, beats: int) -> None:
        self._own = own
        self._beats = beats
        self._noted = 0
        self._last: dict[str, datetime | None] = {}
        self._silent: dict[str, int] = {}

    def note(self, workers: Iterable[Worker]) -> datetime | None:
        """Take up what the server lists; return when it noted one's own last heartbeat, by its clock."""
        listed = {worker.name: worker.last_heartbeat_time for worker in workers}
        own = listed.pop(self._own, None)
        if own is None or own == self._last.get(self._own):
            return own
        self._noted += 1
        self._silent = {
            name: self._silent.get(name, 0) + 1 if at == self._last.get(name) else 0
            for name, at in listed.items()
        }
        self._last = {**listed, self._own: own}
        return own

    @property
    def gone(self) -> frozenset[str]:
        """The listed workers that are gone."""
        return frozenset(name for name, beats in self._silent.items() if beats >= self._beats)

    def is_gone(self, name: str) -> bool:
        """Whether a worker other than oneself is gone."""
        return self._silent.get(name, self._noted) >= self._beats
