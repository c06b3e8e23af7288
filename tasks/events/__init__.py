"""Interaction events: whatever shape one arrives in, it leaves as an `InteractionEvent` or a `Rejection`."""

from tasks.events.event import InteractionEvent, by_interaction
from tasks.events.parse import parse
from tasks.events.readings import outcomes, preview
from tasks.events.rejection import Rejection
from tasks.events.travel import to_text

__all__ = ["InteractionEvent", "Rejection", "by_interaction", "outcomes", "parse", "preview", "to_text"]
