"""What a publish did, in numbers; imports none of the extra, for a report needs them too."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass
class PublishCounts:
    """What a publish did, in numbers; days are those in which something changed."""

    published: int = 0
    dropped: int = 0
    waiting: int = 0
    bytes: int = 0
    conflicts: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    days: set[date | None] = field(default_factory=set)

    def add(self, other: PublishCounts) -> None:
        """Add another's numbers."""
        self.published += other.published
        self.dropped += other.dropped
        self.waiting += other.waiting
        self.bytes += other.bytes
        self.conflicts += other.conflicts
        self.days |= other.days
        for name, count in other.rows.items():
            self.rows[name] = self.rows.get(name, 0) + count
