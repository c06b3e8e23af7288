"""From messages to batches: one batch is one POST and one flow run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from slim import SlimEvent, slim, slim_parts

MULTI_GET = 100
"""Conversations of one Genesys request: a batch of 150 costs as many requests as one of 200."""
FRAME = len('{"events":[]}')


@dataclass(frozen=True)
class Message:
    """One message of the buffer: its body as it came, and the text of it that travels."""

    message_id: str
    body: str
    text: str
    interactions: tuple[str, ...]

    @classmethod
    def of(cls, message_id: str, body: str) -> Message:
        """Return the message with its body slimmed."""
        return cls._with(message_id, body, slim(body))

    @classmethod
    def parts(cls, message_id: str, body: str) -> list[Message]:
        """Return the message, or the messages that a long list of records is taken apart into; see `whole`."""
        events = slim_parts(body)
        if len(events) == 1:
            return [cls._with(message_id, body, events[0])]
        return [cls._with(f"{message_id}/{n}", event.text, event) for n, event in enumerate(events)]

    @classmethod
    def _with(cls, message_id: str, body: str, event: SlimEvent) -> Message:
        return cls(message_id, body, event.text, event.interactions)

    @property
    def events(self) -> int:
        """How many events it counts as: a list speaks of many interactions."""
        return max(1, len(self.interactions))

    @property
    def size(self) -> int:
        """Bytes that the text takes within the parameters, JSON inside JSON, its comma included."""
        # Printable ASCII: nothing but quotes and backslashes is escaped once more.
        return len(self.text) + self.text.count('"') + self.text.count("\\") + len('"",')

    @property
    def group(self) -> str:
        """What must stay together: the interaction, or the message alone when it names none."""
        return self.interactions[0] if self.interactions else f"message {self.message_id}"


@dataclass
class _Batch:
    """A batch being filled; `even` is how many messages give a multiple of 100 interactions, 0 for none."""

    max_events: int
    max_bytes: int
    messages: list[Message] = field(default_factory=list)
    interactions: set[str] = field(default_factory=set)
    events: int = 0
    size: int = FRAME
    even: int = 0

    def has_room(self, group: Sequence[Message]) -> bool:
        count = self.events + sum(message.events for message in group)
        return count <= self.max_events and self.size + _size(group) <= self.max_bytes

    def add(self, group: Sequence[Message]) -> None:
        self.messages.extend(group)
        self.size += _size(group)
        for message in group:
            self.events += message.events
            self.interactions.update(message.interactions)
        if self.interactions and len(self.interactions) % MULTI_GET == 0:
            self.even = len(self.messages)

    def close(self) -> tuple[list[Message], list[Message]]:
        """Return the messages to post, and those beyond the last multiple of 100 interactions."""
        end = self.even or len(self.messages)
        return self.messages[:end], self.messages[end:]


def pack(messages: Sequence[Message], *, max_events: int, max_bytes: int) -> Iterator[list[Message]]:
    """Yield batches within both bounds.

    Events of one interaction share a batch (so that it is fetched once), unless they alone exceed a bound;
    and every batch but the last holds a multiple of 100 distinct interactions, when it holds as many.
    """
    batch = _Batch(max_events, max_bytes)
    for group in _groups(messages, max_events, max_bytes):
        while batch.messages and not batch.has_room(group):
            full, rest = batch.close()
            yield full
            batch = _Batch(max_events, max_bytes)
            batch.add(rest)
        batch.add(group)
    if batch.messages:
        yield batch.messages


def whole(message_id: str) -> str:
    """Return the id of the message that a part was taken from, or the message's own."""
    return message_id.partition("/")[0]


def halve(messages: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    """Return two parts of at least two messages, cut between interactions as near the middle as can be."""
    middle = len(messages) // 2
    seams = (i for i in range(1, len(messages)) if messages[i].group != messages[i - 1].group)
    cut = min(seams, key=lambda seam: abs(seam - middle), default=middle)
    return list(messages[:cut]), list(messages[cut:])


def idempotency_key(messages: Iterable[Message]) -> str:
    """Return the key of a batch: the same messages again are the same run.

    Of message ids, not of event ids: a redrive or an archive's replay brings the same events under new
    messages, and must run. A redelivery that is grouped otherwise, or half of a batch, gets another key and
    so another run with some of the same events: harmless, because saving an interaction twice is.
    """
    names = "\n".join(sorted(message.message_id for message in messages))
    return hashlib.sha256(names.encode("utf-8", "surrogatepass")).hexdigest()


def _groups(messages: Sequence[Message], max_events: int, max_bytes: int) -> Iterator[list[Message]]:
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.group, []).append(message)
    for group in groups.values():
        yield from _pieces(group, max_events, max_bytes)


def _pieces(group: list[Message], max_events: int, max_bytes: int) -> Iterator[list[Message]]:
    piece = _Batch(max_events, max_bytes)
    for message in group:
        if piece.messages and not piece.has_room([message]):
            yield piece.messages
            piece = _Batch(max_events, max_bytes)
        piece.add([message])
    yield piece.messages


def _size(messages: Iterable[Message]) -> int:
    return sum(message.size for message in messages)
