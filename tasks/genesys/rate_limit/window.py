"""A sliding window of permits: how many were granted lately, and when more can be."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

_BUCKETS = 100  # per window; a permit counts for at most one bucket longer than the window


@dataclass(frozen=True, order=True)
class TimeBucket:
    """Permits granted within a hundredth of the window that ended at `ends`, in epoch seconds."""

    ends: float
    total: int
    background: int


@dataclass(frozen=True)
class PermitCounts:
    """A number of permits in a window: all of them, and those of them for background work."""

    total: int
    background: int


@dataclass(frozen=True)
class RateWindow:
    """The permits granted in the last `length` seconds, as all workers share them. Immutable.

    `revision` grows by one with every write. `genesys_limit` is what Genesys's headers last said, at
    `genesys_limit_at`, in epoch seconds.
    """

    length: float
    revision: int = 0
    buckets: tuple[TimeBucket, ...] = ()
    genesys_limit: int | None = None
    genesys_limit_at: float = 0.0

    def at(self, now: float) -> RateWindow:
        """Return the window without expired buckets, and without those that only a wrong clock can have dated."""
        kept = tuple(b for b in self.buckets if now - self.length < b.ends <= now + self.length)
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

    def add(self, count: int, now: float, *, background: bool) -> RateWindow:
        """Return the next revision of the window, with `count` more permits granted now."""
        width = self.length / _BUCKETS
        ends = math.ceil(now / width) * width
        bucket = next((b for b in self.buckets if abs(b.ends - ends) < width / 2), TimeBucket(ends, 0, 0))
        others = (b for b in self.buckets if b is not bucket)
        grown = TimeBucket(
            bucket.ends, bucket.total + count, bucket.background + (count if background else 0)
        )
        return replace(self, buckets=tuple(sorted([*others, grown])), revision=self.revision + 1)

    def _drained_in(self, counts: list[int], target: int, now: float) -> float:
        """Return the seconds until the buckets that have not expired hold at most `target` of these counts."""
        if target < 0:
            return math.inf
        remaining = sum(counts)
        wait = 0.0
        for bucket, count in zip(self.buckets, counts, strict=True):
            if remaining <= target:
                break
            remaining -= count
            wait = bucket.ends + self.length - now
        return wait
