"""Events of broken senders, with a person's data in every place where an id, a word or JSON should be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

from tests.support.invalid_events import GENESYS

ENVELOPE = ("id", "source", "detail-type", "time", "replay-name")
BODY = (
    *("conversationId", "interactionId", "participantId", "sessionId", "queueId", "eventTime", "timestamp"),
    *("type", "mediaType", "direction", "disconnectType"),
)


@dataclass(frozen=True)
class Person:
    """What nobody but the contact centre may know of a customer; every string is fictional and of this file alone."""

    word: str
    name: str
    address: str
    telephone: str
    digits: str
    card: str
    iban: str

    def strings(self) -> set[str]:
        """Return what may be found nowhere: the values, and their hashes in full and cut."""
        values = set(astuple(self)) | {self.name.split()[-1], self.iban.lower()}
        hashes = {hashlib.sha256(value.encode()).hexdigest() for value in values}
        return values | hashes | {each[:32] for each in hashes}

    def values(self) -> list[Any]:
        """Return the values as a sender may write them, a number among them."""
        dotted = f"{self.word}.{self.name.split()[-1]}".lower()
        written = [*astuple(self), int(self.digits), f"v2.{self.digits}", f"v2.{self.iban.lower()}", dotted]
        return [*written, f"sip:{self.digits}", f"{self.name}, born on 1980-02-03"]


THROUGH_THE_BRIDGE = Person(
    word="Zephyrine",
    name="Zephyrine Quibblesworth",
    address="zephyrine.q@example.com",
    telephone="+1 555 0177 321",
    digits="15550177321",
    card="4111-1111-1111-1111",
    iban="DE89370400440532013000",
)
BY_HAND = Person(
    word="Thaddeus",
    name="Thaddeus Wimpleton",
    address="thaddeus.w@example.com",
    telephone="+1 555 0188 432",
    digits="15550188432",
    card="5500-0000-0000-0004",
    iban="GB82WEST12345698765432",
)


def malformed(person: Person, interaction_id: str) -> list[str]:
    """Return message bodies, each once; those with nothing wrong in what decides are events of that interaction."""
    found = [*_no_events(person)]
    for value in person.values():
        found += [json.dumps(each) for each in _with(value, interaction_id)]
    return list(dict.fromkeys(found))


def _no_events(person: Person) -> Iterator[str]:
    """Yield texts that are no JSON, or JSON that is no object."""
    whole = json.dumps(_genesys({"conversationId": person.digits, "customerName": person.name}))
    yield from (whole[:-1], whole[:-40], f"{whole}{person.card}", whole.replace('"', "'"))
    yield f"please call {person.name} back at {person.telephone}"
    yield f"{person.iban};{person.card};{person.address}"
    yield "[" * 100_000 + person.card
    yield from (json.dumps([value]) for value in person.values())
    yield from (json.dumps(f"of {value}") for value in person.values())


def _with(value: Any, interaction_id: str) -> Iterator[Any]:
    """Yield events with the value in each field, in the place of objects, and in names of fields."""
    good = {"conversationId": interaction_id}
    for name in ENVELOPE:
        yield _genesys(good) | {name: value}
    for name in BODY:
        for wrong in (value, [value], {"is": value}):
            yield _genesys(good | {name: wrong})
            yield _flat(good | {name: wrong})
            yield _flat({"detail": {"interactionId": interaction_id, name: wrong}}, "Conversation Update")
    yield _genesys(good) | {"detail": {"topicName": value, "eventBody": good}}
    yield from (
        _genesys(value),
        _flat(value),
        _flat([value], "Conversation Update"),
        _flat({"detail": value}),
    )
    yield {str(value): value, "detail-type": GENESYS, "detail": {str(value): value, "eventBody": value}}
    records = [{"interactionId": value, "type": value} for _ in range(501)]
    yield _flat(records, "Conversation Update") | {"id": value}


def _genesys(body: Any) -> dict[str, Any]:
    detail = {"topicName": GENESYS, "eventBody": body, "timestamp": "2026-01-15T10:00:00Z"}
    return {"source": "gen.cloud.events", "detail-type": GENESYS, "detail": detail}


def _flat(detail: Any, detail_type: str = "conversation.end") -> dict[str, Any]:
    return {"source": "gen.cloud.events", "detail-type": detail_type, "detail": detail}
