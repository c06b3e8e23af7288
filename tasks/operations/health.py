"""How complete the table is, and how late its rows come: what reconciles have seen, by media type and hour.

An hour is the UTC hour in which conversations ended. One object of figures is the source of the artifact `health`, of
`interactions status` and of the alarm; it has no id of anything.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, NamedTuple

from tasks.operations.intervals import Interval
from tasks.pipeline.chunk_write import ChunkWrite
from tasks.pipeline.outcomes import OutcomeKind
from tasks.pipeline.work import SkipReason
from tasks.records import customer
from tasks.records.json_values import milliseconds
from tasks.records.sessions import customer_sessions, sessions_of
from tasks.stores import Stored
from tasks.values import instant, iso

HOURS = 48
"""Hours of conversations that are kept."""
LAG_HOURS = 24
"""Lags are those of conversations that ended in so many hours."""
COUNTS = ("listed", "present", "missing", "newer", "failed", "due", "late", "removed")
"""What is counted of an hour: listed by Genesys; of these with a row before, without one and stored now, with an older
one, without one still; ended so long ago that a row is due, and had none; no longer returned by Genesys."""
_SUMMED = ("missing", "newer", "late")  # what is found is stored, so no later run finds it again
_MOST = ("listed", "due")  # a run may list an hour in part
_UNKNOWN = "unknown"

Hours = dict[str, dict[str, Counter[str]]]
"""Counts by hour, ISO 8601 text, and by media type."""


class Lag(NamedTuple):
    """Seconds."""

    p50: float
    p95: float
    most: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Lag | None:
        """Return the lags' percentiles (nearest rank); None of nothing."""
        found = sorted(seconds)
        if not found:
            return None
        return cls(*(round(found[ceil(share * len(found)) - 1], 1) for share in (0.5, 0.95, 1)))


class Objectives(NamedTuple):
    """What is to hold, from the worker's settings."""

    completeness: float
    """Percent of the conversations that ended `within` seconds ago or earlier which have a row."""
    within: float
    end_to_row: float
    """Seconds, for 95 % of the conversations."""


class HealthLook:
    """What one reconcile sees. Conversations that ended before the last HOURS are passed over."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime.now(UTC)
        self.hours: Hours = defaultdict(lambda: defaultdict(Counter))
        self._lags: dict[tuple[str, str], list[float]] = defaultdict(list)

    def add_page(
        self, write: ChunkWrite, conversations: Mapping[str, Mapping[str, Any]], within: float
    ) -> None:
        """Count what the table held of a page's conversations; one is due `within` seconds after its end."""
        skipped = {work.interaction_id: reason for work, reason in write.processed.skipped}
        for id_, outcomes in write.outcomes.items():
            if skipped.get(id_) not in (None, SkipReason.PRESENT):
                continue  # erased, or of another queue: no row is to be there
            stored, kind = write.processed.stored.get(id_), outcomes[0].kind
            # A row that came between the look and the write is one that was there.
            known = (stored is not None and stored.known) or kind is OutcomeKind.UNCHANGED
            ended_at, media = _end_and_media(stored, conversations.get(id_, {}))
            if ended_at is None or self._is_old(ended_at):
                continue
            count = self._count(ended_at, media)
            due = self._now - ended_at >= timedelta(seconds=within)
            saved = kind is OutcomeKind.SAVED
            count["listed"] += 1
            count["due"] += due
            count["present"] += known
            count["newer"] += known and saved
            count["missing"] += not known and saved
            count["failed"] += not known and not saved
            count["late"] += due and not known
            self._add_lags(stored if known else None, ended_at, media, saved=saved)

    def add_removed(self, write: ChunkWrite) -> None:
        """Count the interactions that Genesys was asked for and no longer returns."""
        for work in write.processed.missing:
            stored = write.processed.stored.get(work.interaction_id)
            ended_at, media = _end_and_media(stored, {})
            if ended_at and not self._is_old(ended_at):
                self._count(ended_at, media)["removed"] += 1

    def lags(self) -> dict[str, dict[str, Lag]]:
        """Return the lags by media type, `all` included, each from the bus and from the conversation's end."""
        found: dict[str, dict[str, Lag]] = defaultdict(dict)
        for (media, name), seconds in sorted(self._lags.items()):
            if lag := Lag.of(seconds):
                found[media][name] = lag
        return dict(found)

    def totals(self) -> Counter[str]:
        """Return the counts of all hours."""
        return _total(each for hour in self.hours.values() for each in hour.values())

    def _count(self, ended_at: datetime, media: str) -> Counter[str]:
        return self.hours[iso(_hour(ended_at))][media]

    def _is_old(self, ended_at: datetime) -> bool:
        return ended_at < _first_hour(self._now)

    def _add_lags(self, stored: Stored | None, ended_at: datetime, media: str, *, saved: bool) -> None:
        """Add the row's lags: a row that has no `savedAt`, as of an earlier release, has none."""
        saved_at = instant(stored.saved_at) if stored else self._now if saved else None
        if saved_at is None or self._now - ended_at > timedelta(hours=LAG_HOURS):
            return
        event_time = instant(stored.event_time) if stored else None
        for name, began in (("busToRow", event_time), ("endToRow", ended_at)):
            # A later event has replaced the first: its row was there before it.
            if began and saved_at >= began:
                for each in (media, "all"):
                    self._lags[each, name].append((saved_at - began).total_seconds())


@dataclass
class Health:
    """The figures of the last HOURS, and how the last look at the present judged them."""

    at: datetime
    objectives: Objectives
    totals: Counter[str]
    """Counts of the last look."""
    lags: dict[str, dict[str, Lag]]
    hours: Hours = field(default_factory=dict)

    @property
    def completeness(self) -> float | None:
        """Percent of the conversations that were due at the last look which had a row; None when none was due."""
        due, late = self.totals["due"], self.totals["late"]
        return 100 * (due - late) / due if due else None

    @property
    def end_to_row(self) -> Lag | None:
        """The lag of all media from the conversation's end."""
        return self.lags.get("all", {}).get("endToRow")

    @property
    def is_complete(self) -> bool:
        """Whether the objective of completeness was met."""
        return self.completeness is None or self.completeness >= self.objectives.completeness

    @property
    def is_quick(self) -> bool:
        """Whether the objective of the lag was met."""
        return self.end_to_row is None or self.end_to_row.p95 <= self.objectives.end_to_row

    @classmethod
    def of(cls, look: HealthLook, objectives: Objectives, before: Health | None, now: datetime) -> Health:
        """Return the figures after a look; `before` are the hours that are known already."""
        found = cls(now, objectives, look.totals(), look.lags())
        oldest = iso(_first_hour(now))
        held = before.hours if before else {}
        for hour in sorted({*held, *look.hours}):
            if hour >= oldest:
                found.hours[hour] = _merged(held.get(hour, {}), look.hours.get(hour, {}))
        return found

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "at": iso(self.at),
            "completenessPercent": None if self.completeness is None else round(self.completeness, 3),
            "objectives": self.objectives._asdict(),
            "totals": {name: self.totals[name] for name in COUNTS},
            "lags": {
                media: {name: lag._asdict() for name, lag in by.items()} for media, by in self.lags.items()
            },
            "hours": {
                hour: {media: {name: count[name] for name in COUNTS} for media, count in by.items()}
                for hour, by in self.hours.items()
            },
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Health:
        """Return figures that `plain` has written. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            datetime.fromisoformat(plain["at"]),
            Objectives(**plain["objectives"]),
            Counter(plain["totals"]),
            {media: {name: Lag(**lag) for name, lag in by.items()} for media, by in plain["lags"].items()},
            {
                hour: {media: Counter(count) for media, count in by.items()}
                for hour, by in plain["hours"].items()
            },
        )

    def by_media(self) -> dict[str, Counter[str]]:
        """Return the counts of all hours by media type."""
        names = sorted({media for by in self.hours.values() for media in by})
        return {name: _total(by[name] for by in self.hours.values() if name in by) for name in names}

    def series(self, name: str) -> list[int]:
        """Return a count for each of the last HOURS, the oldest first."""
        first = _first_hour(self.at)
        hours = (iso(first + timedelta(hours=number)) for number in range(HOURS))
        return [_total(self.hours.get(hour, {}).values())[name] for hour in hours]


def looks_at_present(interval: Interval, now: datetime) -> bool:
    """Return whether a reconcile of this interval says how things are now; a back-fill of last month does not."""
    return now - interval.end < timedelta(hours=1)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _first_hour(now: datetime) -> datetime:
    """Return the oldest of the hours that are kept; the current one is the last."""
    return _hour(now) - timedelta(hours=HOURS - 1)


def _merged(held: Mapping[str, Counter[str]], looked: Mapping[str, Counter[str]]) -> dict[str, Counter[str]]:
    merged = {media: Counter(count) for media, count in held.items()}
    for media, count in looked.items():
        before = merged.get(media, Counter[str]())
        merged[media] = count + Counter({name: before[name] for name in _SUMMED})
        for name in _MOST:
            merged[media][name] = max(before[name], count[name])
    return merged


def _total(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total


def _end_and_media(stored: Stored | None, conversation: Mapping[str, Any]) -> tuple[datetime | None, str]:
    """Return the end and the media type of a row, or of the conversation where there is no settled row."""
    if stored is not None and stored.known and (ended_at := instant(stored.ended_at)):
        return ended_at, stored.media_type or _UNKNOWN
    try:
        sessions = sessions_of(conversation)
        media = customer.media_type(customer.media_types(customer_sessions(sessions), sessions))
        return instant(milliseconds(conversation.get("conversationEnd"))), media or _UNKNOWN
    except Exception:  # noqa: BLE001 - what cannot be read is in quarantine, and no reason to stop
        return None, _UNKNOWN
