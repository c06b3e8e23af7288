"""Events drawn from a seed: mixed shapes, repeated, shuffled, some invalid, some of conversations that end twice."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deployments.sandbox.samples import customer_end

MEDIA = ("VOICE", "CHAT", "EMAIL", "CALLBACK", "MESSAGE")
_REPEATED, _TWICE_ENDED, _INVALID = 10, 20, 100  # one in so many
Entry = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One entry for the bus; `changes` says that its conversation ends once more just before."""

    subject: str  # the interaction's id, or an invalid event's marker
    entry: Entry
    valid: bool = True
    changes: bool = False


class Draws:
    """Everything that is random, from one seed."""

    def __init__(self, seed: int, source: str) -> None:
        self.rng = random.Random(seed)
        self._source = source

    def id(self) -> str:
        """A UUID."""
        return str(uuid.UUID(bytes=self.rng.randbytes(16), version=4))

    def steps(self, count: int) -> list[Step]:
        """So many events in the order in which they are put."""
        invalid, repeated, again = (max(1, count // each) for each in (_INVALID, _REPEATED, _TWICE_ENDED))
        first = [self._valid(self.id()) for _ in range(max(1, count - invalid - repeated - again))]
        second = [Step(s.subject, self._partner(s.subject), changes=True) for s in self._some(first, again)]
        copies = [self._repeated(step) for step in self._some(first, repeated)]
        wrong = [self._invalid(number) for number in range(invalid)]
        return self._shuffled([*first, *copies, *wrong], second)[:count]

    def _some(self, steps: list[Step], count: int) -> list[Step]:
        return [self.rng.choice(steps) for _ in range(count)]

    def _shuffled(self, steps: list[Step], late: list[Step]) -> list[Step]:
        """Shuffle; what ends again does so in the later half, so that most first ends were seen before."""
        self.rng.shuffle(steps)
        half = len(steps) // 2
        later = [*steps[half:], *late]
        self.rng.shuffle(later)
        return [*steps[:half], *later]

    def _valid(self, interaction_id: str) -> Step:
        shape = self.rng.choice((self._partner, self._partner, self._end, self._update))
        return Step(interaction_id, shape(interaction_id))

    def _repeated(self, step: Step) -> Step:
        """The very same entry, or another event about the same interaction."""
        return step if self.rng.random() < 0.5 else self._valid(step.subject)

    def _partner(self, interaction_id: str, **body: Any) -> Entry:
        fields = {
            "mediaType": self.rng.choice(MEDIA),
            "participantId": self.id(),
            "sessionId": self.id(),
            "direction": self.rng.choice(("INBOUND", "OUTBOUND")),
        }
        return customer_end(interaction_id, self._source, **(fields | body))

    def _end(self, interaction_id: str | None, **detail: Any) -> Entry:
        found = {"conversationId": interaction_id, "queueId": self.id(), "mediaType": "voice"} | detail
        return _entry("com.genesyscloud.platform", "conversation.end", found)

    def _update(self, interaction_id: str, **detail: Any) -> Entry:
        record = {
            "interactionId": interaction_id,
            "type": "conversation:update",
            "timestamp": "2026-01-15T10:00:00Z",
        }
        return _entry("gen.cloud.events", "Conversation Update", {"detail": record | detail})

    def _invalid(self, number: int) -> Step:
        marker = self.id()
        kinds = (
            lambda: self._partner(self.id(), conversationId=None, queueId=marker),
            lambda: self._end("no-uuid", queueId=marker),
            lambda: self._partner(self.id(), mediaType=True, queueId=marker),
            lambda: self._update(self.id(), interactionId=None, queueId=marker),
        )
        return Step(marker, kinds[number % len(kinds)](), valid=False)


def _entry(source: str, detail_type: str, detail: dict[str, Any]) -> Entry:
    return {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}


def tens(steps: list[Step]) -> Iterator[list[Step]]:
    """Groups as large as EventBridge takes them."""
    for start in range(0, len(steps), 10):
        yield steps[start : start + 10]
