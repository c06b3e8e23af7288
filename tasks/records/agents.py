"""Who took part for the organisation: participants with purpose agent, or user for calls outside a queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks.records.legs import AGENT, NEVER, Leg, first
from tasks.records.reading import identifier, text, word

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class Agent:
    """One person; the start of the first leg and of the first interaction are sortable texts, or NEVER."""

    user_id: str
    names: list[tuple[tuple[str, str, str], str]] = field(default_factory=list)
    start: str = NEVER
    interacted: str = NEVER

    @property
    def name(self) -> str:
        """The name on the earliest leg that has one, or ''."""
        return first(self.names) or ""

    def add(self, leg: Leg, name: str | None) -> None:
        """Take one of the agent's legs into account."""
        if name:
            self.names.append((leg.place, name))
        self.start = min(self.start, leg.place[0])
        interactions = (
            segment.start for segment in leg.segments if word(segment.fields.get("segmentType")) == "interact"
        )
        self.interacted = min(self.interacted, *interactions, NEVER)

    def fields(self) -> dict[str, str]:
        """Return the agent as the record has it."""
        both = {"userId": self.user_id, "name": self.name}
        return {key: value for key, value in both.items() if value}


def agents_of(legs: Iterable[Leg]) -> list[Agent]:
    """Return the agents by the start of their first leg, those of the same start by user id, then name."""
    found: dict[tuple[str, str], Agent] = {}
    for leg in legs:
        if leg.purpose not in AGENT:
            continue
        user_id = identifier(leg.participant.get("userId")) or ""
        name = text(leg.participant.get("participantName"))
        if user_id or name:
            key = (user_id, "" if user_id else name or "")
            found.setdefault(key, Agent(user_id)).add(leg, name)
    return sorted(found.values(), key=lambda agent: (agent.start, agent.user_id, agent.name))


def agent_name(agents: Iterable[Agent]) -> str | None:
    """Return the name of the agent who was the first to interact, not only to be alerted.

    Where nobody interacted, it is the first agent's name; agents without a name are passed over.
    """
    name: str | None = first((a.interacted, a.start, a.user_id, a.name) for a in agents if a.name)
    return name
