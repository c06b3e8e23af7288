"""A conversation as legs: one participant's one session each.

Genesys promises no order for any list in its answer, so nothing is ever taken by its position: whatever has
to be the first or the last of something is chosen by `place`, and by its own value where places are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.events.instants import iso
from tasks.records.reading import identifier, objects, time, word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Sorts after every ISO 8601 time: what has no time comes last.
NEVER = "~"
CUSTOMER = ("customer", "external")
AGENT = ("agent", "user")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a leg, with its times as sortable text: NEVER when it has no start, '' when no end."""

    start: str
    end: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Leg:
    """A participant's session; a participant without sessions is one leg without segments."""

    purpose: str
    participant: Mapping[str, Any]
    session: Mapping[str, Any]
    segments: tuple[Segment, ...]
    place: tuple[str, str, str]
    """Where it stands among the legs: the start of its earliest segment or NEVER, then its ids."""


def legs_of(conversation: Mapping[str, Any]) -> list[Leg]:
    """Return all legs of a conversation, in no particular order."""
    return [
        _leg(participant, session)
        for participant in objects(conversation.get("participants"))
        for session in objects(participant.get("sessions")) or [{}]
    ]


def customers(legs: Iterable[Leg]) -> list[Leg]:
    """Return the customer's legs: purpose customer, or, where there is none, external.

    External parties that were called in beside a customer are not the customer.
    """
    found: dict[str, list[Leg]] = {}
    for leg in legs:
        found.setdefault(leg.purpose, []).append(leg)
    return next((found[purpose] for purpose in CUSTOMER if purpose in found), [])


def first(candidates: Iterable[tuple[Any, ...]]) -> Any:
    """Return the last element, the value, of the least candidate; None when there is no candidate."""
    least = min(candidates, default=None)
    return least and least[-1]


def _leg(participant: Mapping[str, Any], session: Mapping[str, Any]) -> Leg:
    segments = tuple(_segment(fields) for fields in objects(session.get("segments")))
    place = (
        min((segment.start for segment in segments), default=NEVER),
        identifier(participant.get("participantId")) or NEVER,
        identifier(session.get("sessionId")) or NEVER,
    )
    return Leg(word(participant.get("purpose")) or "", participant, session, segments, place)


def _segment(fields: Mapping[str, Any]) -> Segment:
    start, end = time(fields.get("segmentStart")), time(fields.get("segmentEnd"))
    return Segment(iso(start) if start else NEVER, iso(end) if end else "", fields)
