"""The queues that a conversation touched, which Genesys names on segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.records.sessions import AGENT_PURPOSES, Session, value_of_least

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tasks.records.visits import Visit

# A queue on another participant's segment (the customer's, a flow's) is a copy.
_QUEUE_PURPOSES = ("acd", *AGENT_PURPOSES)


def queue_ids(sessions: Iterable[Session]) -> list[str]:
    """Return every queue that the conversation touched, sorted."""
    return sorted({segment.queue_id for each in sessions for segment in each.segments if segment.queue_id})


def primary_queue_id(visits: Iterable[Visit], sessions: Iterable[Session]) -> str | None:
    """Return the queue of the customer's first visit that is no consult.

    Without a visit (an agent called on behalf of a queue) it is the first queue, by time, of an acd or an agent
    session, else the first of any session.
    """
    first = next((visit.queue_id for visit in visits if not visit.consult), None)
    return first or value_of_least(_touched(sessions))


def _touched(sessions: Iterable[Session]) -> Iterator[tuple[bool, int, bool, str]]:
    for session in sessions:
        for segment in session.segments:
            if segment.queue_id:
                other = session.purpose not in _QUEUE_PURPOSES
                yield other, segment.start, session.purpose != "acd", segment.queue_id
