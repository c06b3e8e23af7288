"""Interaction events: an accepted shape is an `InteractionEvent`, another topic ignored, the rest a `Rejection`."""

from tasks.events.event import InteractionEvent, by_interaction
from tasks.events.ignored import IgnoredEvent
from tasks.events.interaction_ids import interaction_ids
from tasks.events.packed import EventTexts, unpacked
from tasks.events.parse import parse
from tasks.events.rejection import Rejection
from tasks.events.serialize import serialize

__all__ = [
    "EventTexts",
    "IgnoredEvent",
    "InteractionEvent",
    "Rejection",
    "by_interaction",
    "interaction_ids",
    "parse",
    "serialize",
    "unpacked",
]
