"""A sliding window of permits: how many may still count at Genesys, and when more can be granted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

_MAX_BUCKETS = 90  # as JSON some 1.9 KB: with them a write costs DynamoDB's price for 2 KB
_SAME = 0.001  # seconds: a bucket's time is stored in whole milliseconds


@dataclass(frozen=True)
class Permit:
    """Leave to send one request within `lifetime` seconds; `leaves` is when it leaves the window, in epoch seconds."""

    leaves: float
    lifetime: float
    background: bool = False


@dataclass(frozen=True, eq=False)
class LatePermit:
    """A permit whose request may have been counted after its margin: it is to leave at `until`, in epoch seconds."""

    permit: Permit
    until: float


@dataclass(frozen=True, order=True)
class TimeBucket:
    """Permits that leave the window together, at `leaves` in epoch seconds."""

    leaves: float
    total: int
    background: int

    def with_more(self, total: int, background: int) -> TimeBucket:
        """Return it with more permits, or with fewer."""
        return replace(self, total=self.total + total, background=self.background + background)

    def holds(self, permit: Permit) -> bool:
        """Return whether a permit of this kind, which leaves no later, may be in it."""
        kind = self.background if permit.background else self.total - self.background
        return self.leaves > permit.leaves - _SAME and kind > 0


@dataclass(frozen=True)
class PermitCounts:
    """A number of permits in a window: all of them, and those of them for background work."""

    total: int
    background: int


@dataclass(frozen=True)
class RateWindow:
    """The permits that may still count at Genesys, as all workers share them. Immutable.

    A permit leaves `length` seconds after it was granted, or later if it was `late`: those are moved here, and not
    in the store yet. `revision` grows by one with every write. `genesys_limit` is what Genesys's headers last said,
    at `genesys_limit_at`, in epoch seconds.
    """

    length: float
    revision: int = 0
    buckets: tuple[TimeBucket, ...] = ()
    genesys_limit: int | None = None
    genesys_limit_at: float = 0.0
    late: tuple[LatePermit, ...] = ()

    def at(self, now: float) -> RateWindow:
        """Return the window without what has left it, and without what only a wrong clock can have dated."""
        kept = tuple(b for b in self.buckets if now < b.leaves <= now + 2 * self.length)
        return replace(self, buckets=kept)

    def used(self) -> PermitCounts:
        """Return how many permits are in the window."""
        return PermitCounts(sum(b.total for b in self.buckets), sum(b.background for b in self.buckets))

    def available(self, limits: PermitCounts, *, background: bool) -> int:
        """Return how many permits may be granted now."""
        used = self.used()
        available = limits.total - used.total
        if background:
            available = min(available, limits.background - used.background)
        return max(available, 0)

    def seconds_until(self, count: int, limits: PermitCounts, now: float, *, background: bool) -> float:
        """Return the seconds until `count` permits are available, if no others are granted; inf for never."""
        wait = self._drained_in([b.total for b in self.buckets], limits.total - count, now)
        if background:
            own = self._drained_in([b.background for b in self.buckets], limits.background - count, now)
            wait = max(wait, own)
        return max(wait, 0.0)

    def add(self, count: int, leaves: float, *, background: bool) -> RateWindow:
        """Return the window with `count` more permits, which leave it at `leaves`."""
        added = TimeBucket(leaves, count, count if background else 0)
        return replace(self, buckets=_gathered([*self.buckets, added]))

    def move(self, late: Iterable[LatePermit], now: float) -> RateWindow:
        """Return the window with late permits in their new places; `now` is the latest that it may be.

        Of permits that leave at the same time, or were gathered, any one is moved: the numbers stay right. One that
        has left the window comes back.
        """
        moved = self
        for each in late:
            moved = moved._moved(each, now)
        return moved

    def _moved(self, late: LatePermit, now: float) -> RateWindow:
        permit, buckets, mark = late.permit, list(self.buckets), int(late.permit.background)
        place = next((i for i, bucket in enumerate(buckets) if bucket.holds(permit)), None)
        if (
            place is not None and permit.leaves > now
        ):  # else others may have dropped it: what is there is not it
            if buckets[place].leaves >= late.until:  # gathered with such as stay as long as it must
                return replace(self, late=(*self.late, late))
            buckets[place] = buckets[place].with_more(-1, -mark)
        buckets.append(TimeBucket(late.until, 1, mark))
        return replace(self, buckets=_gathered(buckets), late=(*self.late, late))

    def _drained_in(self, counts: list[int], target: int, now: float) -> float:
        """Return the seconds until the buckets that have not left hold at most `target` of these counts."""
        if target < 0:
            return math.inf
        remaining = sum(counts)
        wait = 0.0
        for bucket, count in zip(self.buckets, counts, strict=True):
            if remaining <= target:
                break
            remaining -= count
            wait = bucket.leaves - now
        return wait


def _gathered(buckets: Iterable[TimeBucket]) -> tuple[TimeBucket, ...]:
    """Return at most _MAX_BUCKETS, sorted: a bucket joins the next where its permits thereby stay least too long.

    What left together is granted together by the next write, so that in a window in full use little is lost.
    """
    kept = sorted(each for each in buckets if each.total > 0)
    while len(kept) > _MAX_BUCKETS:
        costs = [(after.leaves - each.leaves) * each.total for each, after in pairwise(kept)]
        place = costs.index(min(costs))
        joined = kept.pop(place)
        kept[place] = kept[place].with_more(joined.total, joined.background)
    return tuple(kept)
