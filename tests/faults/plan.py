"""What was put on the bus, as a file: the ledger's left page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self


@dataclass
class Plan:
    """The events of one seed, by the ids that the bus gave them, and what was there before them."""

    seed: int
    events: dict[str, str] = field(default_factory=dict)
    """Event id to its interaction's id, or to an invalid event's marker."""
    interactions: dict[str, int] = field(default_factory=dict)
    """Interaction id to how often it changed after its first end."""
    invalid: list[str] = field(default_factory=list)
    """Markers: ids that the invalid events carry in a field that travels."""
    known_interactions: list[str] = field(default_factory=list)
    known_quarantine: list[str] = field(default_factory=list)
    known_markers: list[str] = field(default_factory=list)
    put_from: str = ""
    """When the first was put, UTC."""

    def note(self, event_id: str, subject: str, *, valid: bool, changes: bool = False) -> None:
        """Add an event that the bus has accepted; `changes` when its conversation had ended once more."""
        self.events[event_id] = subject
        if valid:
            self.interactions[subject] = self.interactions.get(subject, 0) + changes
        else:
            self.invalid.append(subject)

    def follow(self, other: Plan) -> None:
        """Ask for nothing of an earlier plan, whose events may still be on their way."""
        self.known_interactions += other.interactions
        self.known_markers += [*other.known_markers, *other.invalid]

    def add(self, other: Plan) -> None:
        """Take in another plan that was put on the same sandbox."""
        self.events |= other.events
        self.interactions |= other.interactions
        self.invalid += other.invalid

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        return cls(**json.loads(path.read_text()))
