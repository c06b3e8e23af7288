"""The customer's way through the queues, and how it went on from each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tasks.records.agent_sessions import SKEW, AgentSession
from tasks.records.sessions import NO_TIME, Segment, Session, time_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ANSWERED, ABANDONED, FLOW_OUT = "answered", "abandoned", "flowOut"
_DIALING = frozenset({"dialing", "contacting"})
_COUNTED = {"tAbandon": ABANDONED, "tFlowOut": FLOW_OUT}


@dataclass(slots=True)
class Visit:
    """A stay in a queue, in epoch milliseconds; `left` is None while it lasts."""

    queue_id: str
    entered: int
    left: int | None
    counted: str | None = None
    """What Genesys has counted: an abandonment (the metric tAbandon), or a flow out (tFlowOut)."""
    consult: bool = False
    outcome: str | None = None
    until: int = NO_TIME
    """When the phone of an agent whom the queue had chosen rang last: until then the customer waits."""

    def fields(self) -> dict[str, Any]:
        """Return the visit as the record has it."""
        found = {
            "queueId": self.queue_id,
            "enteredAt": time_text(self.entered),
            "leftAt": time_text(self.left),
            "outcome": self.outcome,
            "consult": self.consult or None,
        }
        return {name: value for name, value in found.items() if value is not None}


def visits_of(
    sessions: Sequence[Session], own: Sequence[AgentSession], direction: str | None, customer_left: int | None
) -> list[Visit]:
    """Return the visits in order; those of one queue that touch, with nobody interacting between, are one.

    `own` are the agents' sessions without those of supervisors; `customer_left` is when the last of the customer's
    sessions ended, in epoch milliseconds, and None where one goes on or there is no customer.
    """
    visits = [visit for session in sessions if session.purpose == "acd" for visit in _of_acd(session)]
    visits += _without_acd({visit.queue_id for visit in visits}, own, direction)
    visits.sort(key=_place)
    if visits:
        _mark_consults(visits, own, customer_left)
        for visit in visits:
            visit.until = _rung_until(visit, own)
        _mark_answered(visits, own)
        _mark_unanswered(visits, customer_left, sessions)
    return _merged(visits)


def _place(visit: Visit) -> tuple[int, int, str, str]:
    return visit.entered, NO_TIME if visit.left is None else visit.left, visit.queue_id, visit.counted or ""


def _of_acd(session: Session) -> Iterator[Visit]:
    """Yield a visit for each run of segments with the same queue."""
    segments = sorted((s for s in session.segments if s.queue_id), key=_time_and_queue)
    names = [metric.get("name") for metric in session.metrics]
    counted = next((outcome for name, outcome in _COUNTED.items() if name in names), None)
    for queue_id, run in groupby(segments, key=lambda segment: segment.queue_id or ""):
        starts, ends = zip(*((segment.start, segment.end) for segment in run), strict=True)
        yield Visit(queue_id, min(starts), None if None in ends else max(ends), counted)


def _time_and_queue(segment: Segment) -> tuple[int, int, str]:
    return segment.start, NO_TIME if segment.end is None else segment.end, segment.queue_id or ""


def _without_acd(known: set[str], own: Iterable[AgentSession], direction: str | None) -> list[Visit]:
    """Return a visit for each queue that only the session of an agent whom it reached names.

    A call that an agent makes on behalf of a queue is no visit.
    """
    found: dict[str, Visit] = {}
    for each in own:
        for queue_id in {s.queue_id for s in each.session.segments if s.queue_id} - known:
            if (each.session.direction or direction) == "outbound":
                continue
            segments = [s for s in each.session.segments if s.queue_id == queue_id]
            entered = min(segment.start for segment in segments)
            answered = [s.start for s in segments if s.kind == "interact"]
            rung = [s.end for s in segments if s.kind == "alert" and s.end is not None]
            left = min(answered) if answered else max(rung, default=None)
            visit = Visit(queue_id, entered, left)
            found[queue_id] = min(visit, found.get(queue_id, visit), key=_place)
    return list(found.values())


def _mark_consults(visits: Iterable[Visit], own: Iterable[AgentSession], customer_left: int | None) -> None:
    """Mark the visits that were made, and ended, while the customer was with an agent.

    Strictly within the agent's time: a transfer begins where that ends, and a visit ends where it begins. A consult
    that the agent leaves to the customer, before anybody has answered, has become a transfer.
    """
    attended = [interval for each in own for interval in each.attended]
    for visit in visits:
        over = min(
            NO_TIME if visit.left is None else visit.left, NO_TIME if customer_left is None else customer_left
        )
        began = any(start + SKEW < visit.entered < end - SKEW for start, end in attended)
        ended = any(start + SKEW < over <= end + SKEW for start, end in attended)
        visit.consult = began and ended and visit.entered != NO_TIME


def _mark_answered(visits: Sequence[Visit], own: Iterable[AgentSession]) -> None:
    """Mark the visits that an agent's first interaction for the queue ended: for each the last one before it."""
    answers: set[tuple[int, str, int]] = set()
    for each in own:
        first: dict[str, int] = {}
        for segment in each.interactions:
            queue_id = segment.queue_id or ""
            first[queue_id] = min(segment.start, first.get(queue_id, NO_TIME))
        dialed = each.session.sort_key[0] if each.by_kind.keys() & _DIALING else NO_TIME
        answers |= {(start, queue_id, dialed) for queue_id, start in first.items()}
    for start, queue_id, dialed in sorted(answers):
        visit = _visit_before(visits, queue_id, start)
        # Who dialed while the visit went on is who waits in the queue: a colleague, or an agent who consults.
        if visit is not None and dialed >= (NO_TIME if visit.left is None else visit.left):
            visit.outcome = ANSWERED
            visit.left = start if visit.left is None else visit.left


def _visit_before(visits: Sequence[Visit], queue_id: str, time: int) -> Visit | None:
    """Return the last visit before a time; of any queue, where none is given, if the time is at its end."""
    of_queue = [visit for visit in reversed(visits) if queue_id in ("", visit.queue_id)]
    for latest in (time, time + SKEW):
        for visit in of_queue:
            if visit.entered <= latest:
                return visit if queue_id or time <= visit.until + SKEW else None
    return None


def _rung_until(visit: Visit, own: Iterable[AgentSession]) -> int:
    """Return the end of the visit, or of the calls to agents that it led to."""
    if visit.left is None:
        return NO_TIME
    until = visit.left
    alerts = (a for each in own for a in each.of("alert") if a.end is not None and a.start >= visit.entered)
    for alert in sorted(alerts, key=lambda segment: segment.start):
        if alert.queue_id in (None, visit.queue_id) and alert.start <= until + SKEW:
            until = max(until, alert.end or until)
    return until


def _mark_unanswered(visits: Sequence[Visit], customer_left: int | None, sessions: Iterable[Session]) -> None:
    """Mark what became of the other visits that are over: as Genesys counts it, else by where the customer was.

    Who left a message has not given up.
    """
    followed: set[bool] = set()
    for visit in reversed(visits):
        if visit.outcome is None and (visit.left is not None or customer_left is not None):
            gone = customer_left is not None and customer_left <= visit.until + SKEW
            given_up = gone and visit.consult not in followed and not _message_left(sessions, visit.entered)
            visit.outcome = visit.counted or (ABANDONED if given_up else FLOW_OUT)
        followed.add(visit.consult)


def _message_left(sessions: Iterable[Session], since: int) -> bool:
    """Return whether a voicemail was begun."""
    return any(
        segment.start >= since and "voicemail" in (session.purpose, segment.kind)
        for session in sessions
        for segment in session.segments
        if segment.start != NO_TIME
    )


def _merged(visits: Iterable[Visit]) -> list[Visit]:
    merged: list[Visit] = []
    for visit in visits:
        last = next((each for each in reversed(merged) if each.consult == visit.consult), None)
        same = last is not None and last.queue_id == visit.queue_id and last.outcome != ANSWERED
        if last is None or not same or visit.entered > last.until + SKEW:
            merged.append(visit)
            continue
        if visit.left is None or (last.left is not None and visit.left >= last.left):
            last.left, last.outcome = visit.left, visit.outcome
        last.until = max(last.until, visit.until)
    return merged
