"""The arithmetic of the request budget: what was granted lately, and when more may be."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

_GRAINS = 100  # slots per window; a window is counted longer by at most one slot


@dataclass(frozen=True)
class Slot:
    """Grants that were given in one short time, which ended at `ends` (seconds since the epoch)."""

    ends: float
    total: int
    background: int


@dataclass(frozen=True)
class Limits:
    """The most grants in a window: in all, and of those for background work."""

    total: int
    background: int


@dataclass(frozen=True)
class Window:
    """Everything the workers share; a value, changed by making another. `length` is in seconds."""

    length: float
    revision: int = 0
    slots: tuple[Slot, ...] = ()
    allowed: int | None = None  # what Genesys's headers said last
    allowed_at: float = 0.0

    def at(self, now: float) -> Window:
        """Return the window without what has left it, and what only a wrong clock can have written."""
        kept = tuple(slot for slot in self.slots if now - self.length < slot.ends <= now + self.length)
        return replace(self, slots=kept)

    def used(self) -> Limits:
        """Return how many grants are in the window."""
        return Limits(
            sum(slot.total for slot in self.slots),
            sum(slot.background for slot in self.slots),
        )

    def free(self, limits: Limits, *, background: bool) -> int:
        """Return how many grants may be given now."""
        used = self.used()
        room = limits.total - used.total
        if background:
            room = min(room, limits.background - used.background)
        return max(room, 0)

    def wait(self, count: int, limits: Limits, now: float, *, background: bool) -> float:
        """Return the seconds until `count` grants are free, if nobody else takes them; inf for never."""
        wait = self._until([slot.total for slot in self.slots], limits.total - count, now)
        if background:
            lower = self._until([slot.background for slot in self.slots], limits.background - count, now)
            wait = max(wait, lower)
        return max(wait, 0.0)

    def take(self, count: int, now: float, *, background: bool) -> Window:
        """Return the window after `count` more grants now."""
        grain = self.length / _GRAINS
        ends = math.ceil(now / grain) * grain
        slots = {slot.ends: slot for slot in self.slots}
        slot = next((s for s in self.slots if abs(s.ends - ends) < grain / 2), Slot(ends, 0, 0))
        slots[slot.ends] = Slot(slot.ends, slot.total + count, slot.background + (count if background else 0))
        ordered = tuple(sorted(slots.values(), key=lambda each: each.ends))
        return replace(self, slots=ordered, revision=self.revision + 1)

    def _until(self, counts: list[int], bearable: int, now: float) -> float:
        """Return the seconds until the counts of the slots that are left add up to what is bearable."""
        if bearable < 0:
            return math.inf
        remaining = sum(counts)
        wait = 0.0
        for slot, count in zip(self.slots, counts, strict=True):
            if remaining <= bearable:
                break
            remaining -= count
            wait = slot.ends + self.length - now
        return wait
