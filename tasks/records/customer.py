"""The customer's side of a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.records.customer_keys import mail_address
from tasks.records.json_values import identifier, word
from tasks.records.sessions import (
    CUSTOMER_PURPOSES,
    NO_TIME,
    Segment,
    Session,
    SortKey,
    value_of_least,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_COMPANIONS = frozenset(
    {"cobrowse", "screenshare", "screenmonitoring"}
)  # of a conversation on another medium


def media_types(customer: Sequence[Session], sessions: Sequence[Session]) -> list[str]:
    """Return the media of the customer's sessions, in order of the first of each; of any if the customer has none."""
    for side in (customer, sessions):
        first: dict[str, SortKey] = {}
        for session in side:
            medium = word(session.fields.get("mediaType"))
            if medium and medium != "unknown":
                first[medium] = min(session.sort_key, first.get(medium, session.sort_key))
        if first:
            return sorted(first, key=lambda medium: (first[medium], medium))
    return []


def media_type(media: Sequence[str]) -> str | None:
    """Return the first medium; one that accompanies a conversation on another medium gives way to that."""
    return min(media, key=_COMPANIONS.__contains__, default=None)


def message_type(customer: Sequence[Session], sessions: Sequence[Session]) -> str | None:
    """Return the kind of messages (`webmessaging`, `whatsapp`, ...) of the customer's first session that has one."""
    for side in (customer, sessions):
        found = ((session.sort_key, word(session.fields.get("messageType"))) for session in side)
        if value := value_of_least((key, value) for key, value in found if value and value != "unknown"):
            return value
    return None


def left_at(customer: Iterable[Session]) -> int | None:
    """Return when the last of the customer's segments ended, in epoch milliseconds; None while one goes on."""
    ends = [segment.end for session in customer for segment in session.segments]
    return max((end for end in ends if end is not None), default=None) if None not in ends else None


def direction(originating: Any, customer: Sequence[Session], sessions: Sequence[Session]) -> str | None:
    """Return the conversation's originating direction, else that of the customer's first session."""
    if given := word(originating):
        return given
    found = [(session.sort_key, word(session.fields.get("direction"))) for session in customer or sessions]
    return value_of_least((key, value) for key, value in found if value)


def disconnect_type(customer: Iterable[Session]) -> str | None:
    """Return how the customer's last segment with a disconnect type ended."""
    ends = [
        (_start(segment) if segment.end is None else segment.end, _start(segment), value)
        for session in customer
        for segment in session.segments
        if (value := segment.disconnect_type)
    ]
    return max(ends)[-1] if ends else None


def _start(segment: Segment) -> int:
    """Return the segment's start; a time before every other one without it."""
    return -NO_TIME if segment.start == NO_TIME else segment.start


def external_contact_ids(sessions: Sequence[Session]) -> list[str]:
    """Return the external contacts: the customer's first, then by the start of their first session."""
    found: dict[str, tuple[int, SortKey]] = {}
    for session in sessions:
        if contact := identifier(session.participant.get("externalContactId")):
            key = (_rank(session), session.sort_key)
            found[contact] = min(key, found.get(contact, key))
    return sorted(found, key=lambda contact: (found[contact], contact))


def email_attribute(sessions: Sequence[Session], name: str) -> str | None:
    """Return the e-mail address in a participant attribute; the customer's goes before another participant's."""
    return value_of_least(_attribute_addresses(sessions, name))


def email(customer: Iterable[Session], sessions: Iterable[Session], originating: str | None) -> str | None:
    """Return the customer's e-mail address, never one of the centre's own.

    It is the customer's end of the customer's first e-mail session: the sender of an inbound one, the addressee of an
    outbound one. The sessions of queues and agents do not tell which end is whose: Genesys mirrors some of them.
    """
    mails = [session for session in customer if word(session.fields.get("mediaType")) == "email"]
    if not mails:
        return None
    found, own = [], set()
    for session in mails:
        sender, addressee = (mail_address(session.fields.get(name)) for name in ("addressFrom", "addressTo"))
        outbound = (session.direction or originating) == "outbound"
        found.append((session.sort_key, addressee if outbound else sender))
        own.add(_folded(sender if outbound else addressee))
    own |= {
        _folded(mail_address(s.fields.get("addressSelf")))
        for s in sessions
        if s.purpose not in CUSTOMER_PURPOSES
    }
    return value_of_least((key, address) for key, address in found if address and _folded(address) not in own)


def _folded(address: str | None) -> str:
    return (address or "").casefold()


def _attribute_addresses(sessions: Iterable[Session], attribute: str) -> Iterator[tuple[int, SortKey, str]]:
    for session in sessions:
        attributes = session.participant.get("attributes")
        if isinstance(attributes, dict) and (address := mail_address(attributes.get(attribute))):
            yield _rank(session), session.sort_key, address


def _rank(session: Session) -> int:
    """Return 0 for a customer's session, 1 for an external party's, 2 for any other."""
    purposes = CUSTOMER_PURPOSES
    return purposes.index(session.purpose) if session.purpose in purposes else len(purposes)
