"""One event of one interaction, in the pipeline's own terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionEvent:
    """Something happened to an interaction. The ids are all there is: the truth is fetched from Genesys.

    Enum values are spelled as the details API does (`voice`, `conferenceTransfer`); values that are not known
    are kept in the same spelling. No model: a worker holds ten thousand of them,
    0.6 KB each; as models they took 2.0 KB.
    """

    interaction_id: str
    """The conversation's UUID, in canonical lower case."""
    event_id: str
    """The envelope's id; with `#` and the index for a record of a list; a sha256 if there is no usable id."""
    event_type: str
    """`customer.end` and the like for Genesys's own events, otherwise the record's `type` or detail-type."""
    event_time: datetime | None = None
    """When it happened, in UTC; None when the event does not say so readably."""
    source: str
    detail_type: str
    participant_id: str | None = None
    session_id: str | None = None
    queue_id: str | None = None
    media_type: str | None = None
    direction: str | None = None
    disconnect_type: str | None = None
    replay_name: str | None = None
    """The EventBridge replay that sent the event again, if one did."""


def by_interaction(events: Iterable[InteractionEvent]) -> dict[str, list[InteractionEvent]]:
    """Return the events of each interaction, both in the order in which they came."""
    grouped: dict[str, list[InteractionEvent]] = {}
    for event in events:
        grouped.setdefault(event.interaction_id, []).append(event)
    return grouped
