"""Events from a seed: mixed shapes, repeated, shuffled, some invalid, some of conversations that end twice."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deployments.sample_events import customer_end
from tasks.values import chunked

MEDIA = ("VOICE", "CHAT", "EMAIL", "CALLBACK", "MESSAGE")
_REPEATED, _TWICE_ENDED, _INVALID, _CONCRETE = 10, 20, 100, 10  # one in so many
Entry = dict[str, Any]


@dataclass(frozen=True)
class GeneratedEvent:
    """One entry for the bus; `ends_again` says that its conversation ends once more just before."""

    subject: str  # the interaction's id, or an invalid event's marker
    entry: Entry
    valid: bool = True
    ends_again: bool = False


class EventGenerator:
    """Everything that is random about the events, from one seed."""

    def __init__(self, seed: int, source: str) -> None:
        self.rng = random.Random(seed)
        self._source = source

    def events(self, count: int) -> list[GeneratedEvent]:
        """Return so many events in the order in which they are to be published."""
        invalid, repeated, twice = (max(1, count // each) for each in (_INVALID, _REPEATED, _TWICE_ENDED))
        first = [self._valid(self._id()) for _ in range(max(1, count - invalid - repeated - twice))]
        second = [
            GeneratedEvent(each.subject, self._partner(each.subject), ends_again=True)
            for each in self._some(first, twice)
        ]
        copies = [self._repeated(each) for each in self._some(first, repeated)]
        wrong = [self._invalid(number) for number in range(invalid)]
        return self._shuffled([*first, *copies, *wrong], second)[:count]

    def _id(self) -> str:
        return str(uuid.UUID(bytes=self.rng.randbytes(16), version=4))

    def _some(self, events: list[GeneratedEvent], count: int) -> list[GeneratedEvent]:
        return [self.rng.choice(events) for _ in range(count)]

    def _shuffled(self, events: list[GeneratedEvent], second: list[GeneratedEvent]) -> list[GeneratedEvent]:
        """Shuffle; second ends come in the later half, so that most first ends were published before."""
        self.rng.shuffle(events)
        half = len(events) // 2
        later = [*events[half:], *second]
        self.rng.shuffle(later)
        return [*events[:half], *later]

    def _valid(self, interaction_id: str) -> GeneratedEvent:
        shape = self.rng.choice((self._partner, self._partner, self._end, self._update))
        return GeneratedEvent(interaction_id, shape(interaction_id))

    def _repeated(self, event: GeneratedEvent) -> GeneratedEvent:
        """Return the very same event, or another one about the same interaction."""
        return event if self.rng.random() < 0.5 else self._valid(event.subject)

    def _partner(self, interaction_id: str, **body: Any) -> Entry:
        """Return a `customer.end` as Genesys Cloud's partner event source sends it."""
        fields = {
            "mediaType": self.rng.choice(MEDIA),
            "participantId": self._id(),
            "sessionId": self._id(),
            "direction": self.rng.choice(("INBOUND", "OUTBOUND")),
        }
        concrete = self.rng.randrange(_CONCRETE) == 0  # the conversation's id in the detail-type
        return customer_end(interaction_id, self._source, concrete=concrete, **(fields | body))

    def _end(self, interaction_id: str | None, **detail: Any) -> Entry:
        found = {"conversationId": interaction_id, "queueId": self._id(), "mediaType": "voice"} | detail
        return _entry("com.genesyscloud.platform", "conversation.end", found)

    def _update(self, interaction_id: str, **detail: Any) -> Entry:
        record = {
            "interactionId": interaction_id,
            "type": "conversation:update",
            "timestamp": "2026-01-15T10:00:00Z",
        }
        return _entry("gen.cloud.events", "Conversation Update", {"detail": record | detail})

    def _invalid(self, number: int) -> GeneratedEvent:
        marker = self._id()
        kinds = (
            lambda: self._partner(self._id(), conversationId=None, queueId=marker),
            lambda: self._end("no-uuid", queueId=marker),
            lambda: self._partner(self._id(), conversationId=17, queueId=marker),
            lambda: self._update(self._id(), interactionId=None, queueId=marker),
        )
        return GeneratedEvent(marker, kinds[number % len(kinds)](), valid=False)


def _entry(source: str, detail_type: str, detail: dict[str, Any]) -> Entry:
    return {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}


def in_tens(events: list[GeneratedEvent]) -> Iterator[list[GeneratedEvent]]:
    """Return the events in groups of ten, the most that one PutEvents call takes."""
    return chunked(events, 10)
