"""The events that were put on the bus, as a file that a later comparison reads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self


@dataclass
class PublishedEvents:
    """The events of one seed, by the ids that the bus gave them, and what the tables held before them."""

    seed: int
    events: dict[str, str] = field(default_factory=dict)
    """Event id to subject: an interaction's id, or an invalid event's marker."""
    interactions: dict[str, int] = field(default_factory=dict)
    """Interaction id to how often it changed after its first end."""
    erased: list[str] = field(default_factory=list)
    """Ids of the interactions that were erased meanwhile: they are not among `interactions` any more."""
    invalid: list[str] = field(default_factory=list)
    """Markers: ids that the invalid events carry in a field that the bridge keeps."""
    known_interactions: list[str] = field(default_factory=list)
    known_quarantine: list[str] = field(default_factory=list)
    known_markers: list[str] = field(default_factory=list)
    since: str = ""
    """When the first was published, UTC, ISO 8601."""

    def add(self, event_id: str, subject: str, *, valid: bool, ends_again: bool = False) -> None:
        """Add an event that the bus has accepted; `ends_again` when its conversation ended once more before."""
        self.events[event_id] = subject
        if subject in self.erased:
            return
        if valid:
            self.interactions[subject] = self.interactions.get(subject, 0) + ends_again
        else:
            self.invalid.append(subject)

    def erase(self, interaction_ids: Iterable[str]) -> None:
        """Expect nothing but a tombstone of these interactions, whatever is published of them later."""
        for id_ in interaction_ids:
            del self.interactions[id_]
            self.erased.append(id_)

    def ignore(self, earlier: PublishedEvents) -> None:
        """Expect nothing of events that were published before and may still be on their way."""
        self.known_interactions += [*earlier.interactions, *earlier.erased]
        self.known_markers += [*earlier.known_markers, *earlier.invalid]

    def merge(self, other: PublishedEvents) -> None:
        """Add the events of another seed that were published on the same sandbox."""
        self.events |= other.events
        self.interactions |= other.interactions
        self.erased += other.erased
        self.invalid += other.invalid

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        return cls(**json.loads(path.read_text()))
