"""The queues of a conversation, which Genesys writes on segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.records.legs import AGENT, Leg, first
from tasks.records.reading import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A queue's own leg tells best where the customer waited; then an agent's; on other legs a queue is hearsay.
_TELLING = ("acd", *AGENT)


def queue_ids(legs: Iterable[Leg]) -> list[str]:
    """Return every queue that the conversation touched, sorted."""
    return sorted({queue_id for *_, queue_id in _visits(legs)})


def primary_queue_id(legs: Iterable[Leg]) -> str | None:
    """Return the first queue, by time, on a queue's or an agent's leg; else the first on any leg.

    Of a queue's and an agent's segment at the same time the queue's counts.
    """
    queue_id: str | None = first(_visits(legs))
    return queue_id


def _visits(legs: Iterable[Leg]) -> Iterator[tuple[bool, str, bool, str]]:
    for leg in legs:
        for segment in leg.segments:
            if queue_id := identifier(segment.fields.get("queueId")):
                yield leg.purpose not in _TELLING, segment.start, leg.purpose != "acd", queue_id
