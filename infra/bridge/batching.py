"""Groups messages into batches: a batch is one POST and one flow run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from allowlist import AllowedEvent, allowed_event, allowed_parts

CONVERSATIONS_PER_REQUEST = 100
"""Conversations of one Genesys request: a batch of 150 needs as many requests as one of 200."""
FRAME_BYTES = len('{"events":[]}')


@dataclass(frozen=True)
class Message:
    """A message of the buffer: its body as received, and the text of it that is sent."""

    message_id: str
    body: str
    text: str
    interactions: tuple[str, ...]

    @classmethod
    def of(cls, message_id: str, body: str) -> Message:
        """Return the message with the allowed text of its body."""
        return cls._with(message_id, body, allowed_event(body))

    @classmethod
    def parts(cls, message_id: str, body: str) -> list[Message]:
        """Return the message; several, with ids of their own, for a long list of records. See `original_id`."""
        events = allowed_parts(body)
        if len(events) == 1:
            return [cls._with(message_id, body, events[0])]
        return [cls._with(f"{message_id}/{n}", event.text, event) for n, event in enumerate(events)]

    @classmethod
    def _with(cls, message_id: str, body: str, event: AllowedEvent) -> Message:
        return cls(message_id, body, event.text, event.interactions)

    @property
    def events(self) -> int:
        """How many events it counts as: one for each interaction that a list names."""
        return max(1, len(self.interactions))

    @property
    def size(self) -> int:
        """Bytes of the text inside the run's parameters, a JSON string in JSON, with its comma."""
        # The text is printable ASCII: only quotes and backslashes are escaped.
        return len(self.text) + self.text.count('"') + self.text.count("\\") + len('"",')

    @property
    def group(self) -> str:
        """What goes into one batch together: the messages of an interaction; by itself if it names none."""
        return self.interactions[0] if self.interactions else f"message {self.message_id}"


@dataclass
class _Batch:
    """A batch that is being filled.

    `full_requests`: how many of its messages, from the first on, hold a multiple of 100 interactions; 0 for none.
    """

    max_events: int
    max_bytes: int
    messages: list[Message] = field(default_factory=list)
    interactions: set[str] = field(default_factory=set)
    events: int = 0
    size: int = FRAME_BYTES
    full_requests: int = 0

    def fits(self, group: Sequence[Message]) -> bool:
        count = self.events + sum(message.events for message in group)
        return count <= self.max_events and self.size + _size(group) <= self.max_bytes

    def add(self, group: Sequence[Message]) -> None:
        self.messages.extend(group)
        self.size += _size(group)
        for message in group:
            self.events += message.events
            self.interactions.update(message.interactions)
        if self.interactions and len(self.interactions) % CONVERSATIONS_PER_REQUEST == 0:
            self.full_requests = len(self.messages)

    def close(self) -> tuple[list[Message], list[Message]]:
        """Return the messages to post, and those beyond the last multiple of 100 interactions."""
        end = self.full_requests or len(self.messages)
        return self.messages[:end], self.messages[end:]


def make_batches(messages: Sequence[Message], *, max_events: int, max_bytes: int) -> Iterator[list[Message]]:
    """Yield batches within both limits.

    The events of an interaction share a batch, so that it is fetched once, unless they exceed a limit by themselves.
    Every batch but the last has a multiple of 100 interactions, if it has as many.
    """
    batch = _Batch(max_events, max_bytes)
    for group in _groups(messages, max_events, max_bytes):
        while batch.messages and not batch.fits(group):
            full, rest = batch.close()
            yield full
            batch = _Batch(max_events, max_bytes)
            batch.add(rest)
        batch.add(group)
    if batch.messages:
        yield batch.messages


def original_id(message_id: str) -> str:
    """Return the id of the message that a part belongs to; a message's own id unchanged."""
    return message_id.partition("/")[0]


def split(messages: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    """Return two parts of at least two messages, cut between interactions as near the middle as possible."""
    middle = len(messages) // 2
    seams = (i for i in range(1, len(messages)) if messages[i].group != messages[i - 1].group)
    cut = min(seams, key=lambda seam: abs(seam - middle), default=middle)
    return list(messages[:cut]), list(messages[cut:])


def idempotency_key(messages: Iterable[Message]) -> str:
    """Return the idempotency key of a batch: the same messages give the same run.

    It is a hash of message ids, not of event ids: a redrive or a replay of the archive sends the same events in new
    messages, which must run. A redelivery in another batch, or a part of a split one, has another key and so
    another run with events that ran before: harmless, because saving an interaction twice changes nothing.
    """
    names = "\n".join(sorted(message.message_id for message in messages))
    return hashlib.sha256(names.encode("utf-8", "surrogatepass")).hexdigest()


def batch_name(messages: Sequence[Message]) -> str:
    """Return the name of a batch's run, which the flow would give it: the interaction's id, or how many they are."""
    ids = {id_ for message in messages for id_ in message.interactions}
    if not ids:
        return f"{len(messages)} event{'' if len(messages) == 1 else 's'} without an interaction"
    return next(iter(ids)) if len(ids) == 1 else f"{len(ids)} interactions"


def _groups(messages: Sequence[Message], max_events: int, max_bytes: int) -> Iterator[list[Message]]:
    """Yield the messages by group; a group above a limit in pieces within it."""
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.group, []).append(message)
    for group in groups.values():
        yield from _pieces(group, max_events, max_bytes)


def _pieces(group: list[Message], max_events: int, max_bytes: int) -> Iterator[list[Message]]:
    piece = _Batch(max_events, max_bytes)
    for message in group:
        if piece.messages and not piece.fits([message]):
            yield piece.messages
            piece = _Batch(max_events, max_bytes)
        piece.add([message])
    yield piece.messages


def _size(messages: Iterable[Message]) -> int:
    return sum(message.size for message in messages)
