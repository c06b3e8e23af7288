"""The customer's side of a conversation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tasks.records.legs import CUSTOMER, NEVER, Leg, customers, first
from tasks.records.reading import identifier, text, word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# What accompanies a conversation on another medium, and what says nothing, give way to a medium of its own.
_LESSER_MEDIA = {"cobrowse": 1, "screenshare": 1, "screenmonitoring": 1, "unknown": 2}
_PART = r"[^\s<>()\[\],;:\"]"
_ADDRESS = re.compile(rf"(?<!{_PART})({_PART}{{1,64}})@(\w[\w.-]{{0,254}})(?![\w.-])")
_ANGLED = re.compile(r"<([^<>]*)>")
_BY_DIRECTION = {"outbound": ("addressTo", "addressOther"), "inbound": ("addressFrom", "addressOther")}


def media_type(legs: Sequence[Leg]) -> str | None:
    """Return the medium of the customer's first session; of any first session if the customer has none."""
    for side in (customers(legs), legs):
        media = [(leg.place, word(leg.session.get("mediaType"))) for leg in side]
        if found := first((_LESSER_MEDIA.get(medium, 0), place, medium) for place, medium in media if medium):
            return str(found)
    return None


def direction(originating: Any, legs: Sequence[Leg]) -> str | None:
    """Return the conversation's originating direction, else that of the customer's first session."""
    if given := word(originating):
        return given
    sessions = [(leg.place, word(leg.session.get("direction"))) for leg in customers(legs) or legs]
    found: str | None = first((place, value) for place, value in sessions if value)
    return found


def disconnect_type(legs: Sequence[Leg]) -> str | None:
    """Return how the customer's last segment ended: the last one that says so."""
    ends = [
        (segment.end or _known(segment.start), _known(segment.start), value)
        for leg in customers(legs)
        for segment in leg.segments
        if (value := word(segment.fields.get("disconnectType")))
    ]
    return max(ends)[-1] if ends else None


def _known(start: str) -> str:
    return "" if start == NEVER else start


def external_contact_ids(legs: Sequence[Leg]) -> list[str]:
    """Return the external contacts: the customer's first, then by the time they came in."""
    seen: dict[str, tuple[int, tuple[str, str, str]]] = {}
    for leg in legs:
        if contact := identifier(leg.participant.get("externalContactId")):
            place = (_closeness(leg), leg.place)
            seen[contact] = min(place, seen.get(contact, place))
    return sorted(seen, key=lambda contact: (seen[contact], contact))


def email_attribute(legs: Sequence[Leg], name: str) -> str | None:
    """Return the e-mail address that a participant attribute holds: the customer's before anybody else's."""
    found: str | None = first(_attributes(legs, name))
    return found


def email(legs: Sequence[Leg], originating: str | None) -> str | None:
    """Return the customer's e-mail address.

    That is the customer's end of the first e-mail session: who wrote, when it came in; who was written to, when it
    went out. A session of somebody else's tells it only where none of the customer's does, and only one that goes the
    way the conversation came: what an agent forwards is for others.
    """
    found: str | None = first(_correspondents(legs, originating))
    return found


def _attributes(legs: Iterable[Leg], attribute: str) -> Iterator[tuple[int, tuple[str, str, str], str]]:
    for leg in legs:
        attributes = leg.participant.get("attributes")
        if isinstance(attributes, dict) and (address := _address(attributes.get(attribute))):
            yield _closeness(leg), leg.place, address


def _correspondents(
    legs: Iterable[Leg], originating: str | None
) -> Iterator[tuple[int, tuple[str, str, str], int, str]]:
    for leg in legs:
        if word(leg.session.get("mediaType")) != "email":
            continue
        way = word(leg.session.get("direction"))
        way = originating if way in (None, "unknown") else way
        if leg.purpose not in CUSTOMER and way != originating:
            continue
        for rank, name in enumerate(_BY_DIRECTION.get(way or "", ("addressFrom",))):
            if address := _address(leg.session.get(name)):
                yield _closeness(leg), leg.place, rank, address


def _address(value: Any) -> str | None:
    """Return the first address in a text; what stands in angle brackets goes before a name that looks like one."""
    whole = text(value) or ""
    found = (_ADDRESS.search(part) for part in (*_ANGLED.findall(whole), whole))
    parts = ((each.group(1).lstrip("'."), each.group(2).rstrip(".-")) for each in found if each)
    return next((f"{local}@{domain}" for local, domain in parts if local), None)


def _closeness(leg: Leg) -> int:
    return CUSTOMER.index(leg.purpose) if leg.purpose in CUSTOMER else len(CUSTOMER)
