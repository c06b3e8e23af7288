"""The sessions of those who work in the contact centre: who took part, and who listened in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.records.sessions import AGENT_PURPOSES, NO_TIME, Segment, Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tasks.records.intervals import Interval

SKEW = 1000
"""Milliseconds by which the times of two sessions may differ that mean the same moment.

Genesys times each session by itself, so that the end of one and the begin of the next overlap or leave a gap.
"""
_SUPERVISION = {
    "barging": "barge",
    "coaching": "coach",
    "monitoring": "monitor",
    "screenmonitoring": "monitor",
}
_SUPERVISED = {
    "bargedParticipantId": "barge",
    "coachedParticipantId": "coach",
    "monitoredParticipantId": "monitor",
}
SUPERVISORS = ("barge", "coach", "monitor")  # the strongest first


@dataclass(slots=True)
class AgentSession:
    """A session of a participant with purpose agent or user; `supervision` is what it is where it is no own work."""

    session: Session
    by_kind: dict[str, list[Segment]]
    supervision: str | None

    def of(self, *kinds: str) -> Iterator[Segment]:
        """Yield the segments of some kinds."""
        for kind in kinds:
            yield from self.by_kind.get(kind, ())

    def intervals(self, *kinds: str) -> list[Interval]:
        """Return the intervals of the segments of some kinds, as far as begin and end are known."""
        return [
            (segment.start, segment.end)
            for kind in kinds
            for segment in self.by_kind.get(kind, ())
            if segment.end is not None and segment.start != NO_TIME
        ]

    @property
    def interactions(self) -> list[Segment]:
        """The segments in which the person speaks with a customer: a supervisor who barges in does, too."""
        if self.supervision is None:
            return self.by_kind.get("interact", [])
        return list(self.of("barging", "interact")) if self.supervision == "barge" else []

    @property
    def attended(self) -> list[Interval]:
        """When the customer was with the agent, on hold included; what is under way has no end yet (NO_TIME)."""
        stretches: list[Interval] = []
        if self.supervision is None:
            segments = [s for s in self.of("interact", "hold") if s.start != NO_TIME]
            for start, end in sorted((s.start, NO_TIME if s.end is None else s.end) for s in segments):
                if stretches and start <= stretches[-1][1] + SKEW:
                    stretches[-1] = (stretches[-1][0], max(end, stretches[-1][1]))
                else:
                    stretches.append((start, end))
        return stretches


def agent_sessions_of(sessions: Iterable[Session]) -> list[AgentSession]:
    """Return the sessions of participants with purpose agent or user."""
    return [_agent_session(session) for session in sessions if session.purpose in AGENT_PURPOSES]


def _agent_session(session: Session) -> AgentSession:
    by_kind: dict[str, list[Segment]] = {}
    for segment in session.segments:
        by_kind.setdefault(segment.kind, []).append(segment)
    return AgentSession(session, by_kind, _supervision(session, by_kind))


def _supervision(session: Session, by_kind: dict[str, list[Segment]]) -> str | None:
    """Return the strongest kind of supervision; a session of own work may name a monitored participant, too."""
    found = {_SUPERVISION[kind] for kind in by_kind.keys() & _SUPERVISION.keys()}
    if not found and "interact" not in by_kind:
        found = {kind for name, kind in _SUPERVISED.items() if session.fields.get(name)}
    return next((kind for kind in SUPERVISORS if kind in found), None) if found else None
