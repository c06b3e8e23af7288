"""When a settled interaction is asked for again: conversations of messages and mail can end again after weeks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple, Self

from tasks.settings import Settings
from tasks.stores import Stored
from tasks.values import instant


class RecheckTimes(NamedTuple):
    """The moments after its end at which a settled interaction is asked for again."""

    first: timedelta
    interval: timedelta
    limit: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the times that the settings name."""
        seconds = settings.recheck_after, settings.recheck_interval, settings.recheck_limit
        return cls(*(timedelta(seconds=each) for each in seconds))

    @property
    def oldest(self) -> timedelta:
        """How long ago an interaction may have ended: an interval more than the limit, for those that came late."""
        return self.limit + self.interval

    def is_due(self, stored: Stored, now: datetime) -> bool:
        """Return whether the record was fetched before the latest of the moments that have come."""
        ended, fetched = instant(stored.ended_at), instant(stored.fetched_at)
        if not ended or not fetched or now - ended > self.oldest:
            return False
        latest = self._latest(ended, now)
        return latest is not None and fetched < latest

    def _latest(self, ended: datetime, now: datetime) -> datetime | None:
        passed = min(now - ended, self.limit) - self.first
        return None if passed < timedelta() else ended + self.first + passed // self.interval * self.interval
