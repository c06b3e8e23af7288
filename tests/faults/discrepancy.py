"""One difference between what is there and what should be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Discrepancy:
    """One difference: its kind, the interaction, event or queue that has it, and details for a person."""

    kind: str
    subject: str
    details: str
