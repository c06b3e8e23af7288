"""What became of an event: every event that was accepted ends in exactly one of five outcomes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The five outcomes, in the order in which they are reported."""

    SAVED = "saved"
    UNCHANGED = "unchanged"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """One event's outcome; `due_at` (ISO, UTC) only for a deferred one. Holds no personal data."""

    kind: Kind
    event_id: str | None
    interaction_id: str | None
    detail: str = ""
    due_at: str | None = None


def summary(outcomes: Iterable[Outcome]) -> str:
    """`25 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed`."""
    counts = Counter(outcome.kind for outcome in outcomes)
    return ", ".join(f"{counts[kind]} {kind.value}" for kind in Kind)


_SUMMARY = re.compile(", ".join(rf"(\d+) {kind.value}" for kind in Kind))


def counted(messages: Iterable[str | None]) -> Counter[Kind]:
    """Read the summaries in runs' messages back, added up; a message without one counts nothing."""
    counts: Counter[Kind] = Counter()
    for message in messages:
        if found := _SUMMARY.search(message or ""):
            counts.update(dict(zip(Kind, map(int, found.groups()), strict=True)))
    return counts
