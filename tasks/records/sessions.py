"""The sessions of a conversation, with their participants and segments.

Genesys promises no order for any list in its answer, so nothing is chosen by its position: the first or the last is
chosen by `sort_key`, and by its own value where the keys are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tasks.records.json_values import identifier, milliseconds, objects, word
from tasks.values import iso_of_milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")
SortKey = tuple[int, str, str]

NO_TIME = 10**15  # sorts after every time
NO_ID = "~"  # sorts after every UUID
CUSTOMER_PURPOSES = ("customer", "external")
AGENT_PURPOSES = ("agent", "user")


@dataclass(slots=True)
class Segment:
    """A segment of a session; its times are epoch milliseconds.

    `start` is NO_TIME where Genesys gave none. A missing `end` is where the session's next segment begins: a hold may
    lie within a segment and ends none. It is None in a session's last segment, which may be under way.
    """

    kind: str
    start: int
    end: int | None
    queue_id: str | None
    fields: Mapping[str, Any]

    @property
    def disconnect_type(self) -> str | None:
        """How the segment ended, in the details API's spelling."""
        return word(self.fields.get("disconnectType"))


@dataclass(slots=True)
class Session:
    """A session of a participant; a participant without sessions has one without fields and segments."""

    purpose: str
    participant: Mapping[str, Any]
    fields: Mapping[str, Any]
    segments: list[Segment]
    metrics: list[Mapping[str, Any]]
    sort_key: SortKey
    """The start of the earliest segment, the participant's id, the session's id; what is missing sorts last."""

    @property
    def direction(self) -> str | None:
        """`inbound` or `outbound`; None where Genesys does not know it."""
        given = word(self.fields.get("direction"))
        return None if given == "unknown" else given


def sessions_of(conversation: Mapping[str, Any]) -> list[Session]:
    """Return all sessions of a conversation, in no particular order."""
    return [
        _session(participant, fields)
        for participant in objects(conversation.get("participants"))
        for fields in objects(participant.get("sessions")) or [{}]
    ]


def customer_sessions(sessions: Iterable[Session]) -> list[Session]:
    """Return the sessions with the purpose customer or, if there is none, external.

    An external party that was called in beside a customer is not the customer.
    """
    found: dict[str, list[Session]] = {}
    for session in sessions:
        found.setdefault(session.purpose, []).append(session)
    return next((found[purpose] for purpose in CUSTOMER_PURPOSES if purpose in found), [])


def value_of_least(candidates: Iterable[tuple[*tuple[Any, ...], T]]) -> T | None:
    """Return the last element, the value, of the least tuple; None without a candidate."""
    least = min(candidates, default=None)
    return least[-1] if least else None


def time_text(time: int | None) -> str | None:
    """Return a time as the record has it, in ISO 8601; None for a time that Genesys did not give."""
    return None if time is None or time == NO_TIME else iso_of_milliseconds(time)


def _session(participant: Mapping[str, Any], fields: Mapping[str, Any]) -> Session:
    segments = [_segment(each) for each in objects(fields.get("segments"))]
    _infer_ends(segments)
    sort_key = (
        min((segment.start for segment in segments), default=NO_TIME),
        identifier(participant.get("participantId")) or NO_ID,
        identifier(fields.get("sessionId")) or NO_ID,
    )
    purpose = word(participant.get("purpose")) or ""
    return Session(purpose, participant, fields, segments, objects(fields.get("metrics")), sort_key)


def _segment(fields: Mapping[str, Any]) -> Segment:
    start = milliseconds(fields.get("segmentStart"))
    return Segment(
        word(fields.get("segmentType")) or "",
        NO_TIME if start is None else start,
        milliseconds(fields.get("segmentEnd")),
        identifier(fields.get("queueId")),
        fields,
    )


def _infer_ends(segments: list[Segment]) -> None:
    for segment in segments:
        if segment.end is None and segment.start != NO_TIME and len(segments) > 1:
            later = (s.start for s in segments if s.kind != "hold" and segment.start < s.start < NO_TIME)
            segment.end = min(later, default=None)
