"""An event that is Genesys's and tells of no conversation's details: it is counted, and nothing else is done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class IgnoredEvent:
    """Transcription, quality, agent and user state, audits, analytics: what a rule passes that is too wide."""

    event_id: str
    topic: str
    """The event's detail-type."""
    interaction_id: None = None
    """None: whatever conversation it names, that one's details are not told of."""

    @property
    def reason(self) -> str:
        """Why nothing is done, for the table of outcomes."""
        return f"{self.topic} tells of no conversation's details"
