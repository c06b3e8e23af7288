"""What a person sees of a publish: numbers, per table and in all; no id and no name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from tasks.lake.publishing.counts import PublishCounts

if TYPE_CHECKING:
    from tasks.lake.publishing.upkeep import UpkeepCounts


@dataclass
class PublishReport:
    """What a run did so far."""

    counts: PublishCounts = field(default_factory=PublishCounts)
    seconds: float = 0.0
    merged: int = 0
    snapshots: int = 0
    expired: int = 0

    def add_upkeep(self, upkeep: UpkeepCounts) -> None:
        """Note what was done to files and snapshots."""
        self.merged, self.snapshots, self.expired = upkeep

    def message(self) -> str:
        """Return the run's message."""
        text = f"{self.counts.published} interactions published in {_days(self.counts.days)}, {self.seconds:.1f} s"
        if self.counts.waiting:
            text += f"; {self.counts.waiting} wait for their row"
        return text

    def table(self) -> list[dict[str, Any]]:
        """Return the rows of the table artifact."""
        figures = {
            "interactions published": self.counts.published,
            "dropped: published before, replaced or erased": self.counts.dropped,
            "waiting for their row": self.counts.waiting,
            "days touched": len(self.counts.days),
            "bytes read, compressed": self.counts.bytes,
            "seconds": round(self.seconds, 1),
            "begun anew after others' commits": self.counts.conflicts,
            "files merged": self.merged,
            "former snapshots deleted": self.snapshots,
            "interactions expired": self.expired,
        }
        rows = {f"rows of {name}": count for name, count in self.counts.rows.items()}
        return [{"figure": name, "value": value} for name, value in (figures | rows).items()]


def _days(days: Collection[date | None]) -> str:
    known = sorted(day for day in days if day is not None)
    if len(days) != 1 or not known:
        return f"{len(days)} days"
    return known[0].isoformat()
