"""The agents of a conversation: each person, what they did in it, and how long."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tasks.records.agent_sessions import SUPERVISORS, AgentSession
from tasks.records.intervals import Interval, length_of_union, without
from tasks.records.json_values import identifier, text
from tasks.records.sessions import NO_ID, NO_TIME, SortKey, time_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(slots=True)
class Agent:
    """One person with all of their sessions; a participant without a user id is a person of their own."""

    user_id: str | None
    sessions: list[AgentSession] = field(default_factory=list)
    role: str = "agent"
    interacted: bool = False
    order: tuple[int, int, str] = (NO_TIME, NO_TIME, NO_ID)
    """The first interaction, the first alert, or else the first session, and an id."""

    def complete(self, *, internal: bool) -> None:
        """Derive role and order from the sessions; `internal` when no customer takes part."""
        own = [each for each in self.sessions if each.supervision is None]
        if any(each.interactions for each in own) or len(own) == len(self.sessions):
            self.role = _caller_or_called(own) if internal else "agent"
        else:
            kinds = {each.supervision for each in self.sessions}
            self.role = next(kind for kind in SUPERVISORS if kind in kinds)
        interactions = [segment.start for each in self.sessions for segment in each.interactions]
        alerts = [segment.start for each in self.sessions for segment in each.of("alert")]
        began, participant_id, _ = min(each.session.sort_key for each in self.sessions)
        self.interacted = bool(interactions)
        first = min(interactions, default=NO_TIME)
        self.order = (first, min(alerts, default=began), self.user_id or participant_id)

    def fields(self) -> dict[str, Any]:
        """Return the agent as the record has it; what there is nothing of is left out."""
        found: dict[str, Any] = {"userId": self.user_id} if self.user_id else {}
        found |= {"role": self.role, "interacted": self.interacted}
        if first := time_text(self.order[0]):
            found["firstInteractedAt"] = first
        if queues := {s.queue_id for each in self.sessions for s in each.session.segments if s.queue_id}:
            found["queueIds"] = sorted(queues)
        for name, intervals in self._times():
            if milliseconds := length_of_union(intervals):
                found[name] = milliseconds
        if wrap_ups := self._wrap_ups():
            found["wrapUps"] = wrap_ups
        return found

    def _times(self) -> Iterator[tuple[str, list[Interval]]]:
        """Yield the intervals of each kind; their unions count what a person did in two sessions at once only once."""
        talk, held = [], []
        for each in self.sessions:
            held += (holds := each.intervals("hold"))
            spoken = each.intervals("interact", "barging") if each.interactions else []
            talk += without(spoken, holds) if holds else spoken
        acw = self._intervals("wrapup")
        yield "alertMs", self._intervals("alert")
        yield "talkMs", talk
        yield "holdMs", held
        yield "acwMs", acw
        yield "handleMs", [*talk, *held, *acw, *self._intervals("dialing", "contacting")]

    def _intervals(self, *kinds: str) -> list[Interval]:
        return [interval for each in self.sessions for interval in each.intervals(*kinds)]

    def _wrap_ups(self) -> list[dict[str, str]]:
        """Return the wrap-ups by their begin, those without a code, too; sessions repeat each other's."""
        found = {
            (segment.start, identifier(segment.fields.get("wrapUpCode")) or NO_ID)
            for each in self.sessions
            for segment in each.session.segments
            if segment.kind == "wrapup" or segment.fields.get("wrapUpCode")
        }
        coded = {start for start, code in found if code != NO_ID}
        wrap_ups: list[dict[str, str]] = []
        for start, code in sorted(found):
            if code != NO_ID:
                wrap_ups.append({"code": code})
            elif start != NO_TIME and start not in coded:
                wrap_ups.append({})
            else:
                continue
            if at := time_text(start):
                wrap_ups[-1]["at"] = at
        return wrap_ups


def agents_of(sessions: Iterable[AgentSession], *, internal: bool) -> list[Agent]:
    """Return the agents by their first interaction; then those who did not interact, by their first alert."""
    found: dict[tuple[bool, str | int], Agent] = {}
    for each in sessions:
        participant, participant_id = each.session.participant, each.session.sort_key[1]
        user_id = identifier(participant.get("userId"))
        person = user_id or (participant_id if participant_id != NO_ID else id(participant))
        found.setdefault((user_id is None, person), Agent(user_id)).sessions.append(each)
    for agent in found.values():
        agent.complete(internal=internal)
    return sorted(found.values(), key=_place)


def first_to_handle(agents: Iterable[Agent]) -> Agent | None:
    """Return the first agent who interacted with the customer; None for internal calls and supervisors alone."""
    return next((agent for agent in agents if agent.role == "agent" and agent.interacted), None)


def participant_names(sessions: Iterable[AgentSession]) -> dict[str, str]:
    """Return the names that Genesys's answer has, by user id; of several the one in the earliest session."""
    found: dict[str, list[tuple[SortKey, str]]] = {}
    for each in sessions:
        participant = each.session.participant
        if (name := text(participant.get("participantName"))) and (
            id_ := identifier(participant.get("userId"))
        ):
            found.setdefault(id_, []).append((each.session.sort_key, name))
    return {user_id: min(names)[1] for user_id, names in found.items()}


def _place(agent: Agent) -> tuple[Any, ...]:
    """Return where an agent stands; without any id the content decides."""
    content = repr(agent.fields()) if agent.order[2] == NO_ID else ""
    return not agent.interacted, *agent.order, agent.user_id or "", content


def _caller_or_called(sessions: Iterable[AgentSession]) -> str:
    """Return what a person is in a call without a customer, by the direction of their first session."""
    first = min(sessions, key=lambda each: (each.session.sort_key, each.session.direction or ""))
    outbound = (
        first.session.direction == "outbound" if first.session.direction else "alert" not in first.by_kind
    )
    return "caller" if outbound else "called"
