"""Outcomes: every event that was accepted ends in exactly one of six."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class OutcomeKind(StrEnum):
    """The outcomes, in the order in which they are reported."""

    SAVED = "saved"
    UNCHANGED = "unchanged"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    FAILED = "failed"
    IGNORED = "ignored"
    """The event is Genesys's and tells of no conversation's details; reported only where there are any."""


UNSUCCESSFUL = (OutcomeKind.REJECTED, OutcomeKind.FAILED)


@dataclass(frozen=True)
class Outcome:
    """One event's outcome; `due_at` (ISO, UTC) only for a deferred one. Holds no personal data."""

    kind: OutcomeKind
    event_id: str | None
    interaction_id: str | None
    detail: str = ""
    due_at: str | None = None


def summary(outcomes: Iterable[Outcome]) -> str:
    """Return `25 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed`, and `, 3 ignored` where any were."""
    counts = Counter(outcome.kind for outcome in outcomes)
    kinds = [*ALWAYS_REPORTED, *([OutcomeKind.IGNORED] if counts[OutcomeKind.IGNORED] else ())]
    return ", ".join(f"{counts[kind]} {kind.value}" for kind in kinds)


ALWAYS_REPORTED = tuple(kind for kind in OutcomeKind if kind is not OutcomeKind.IGNORED)
_SUMMARY = re.compile(
    ", ".join(rf"(\d+) {kind.value}" for kind in ALWAYS_REPORTED)
    + rf"(?:, (\d+) {OutcomeKind.IGNORED.value})?"
)


def count_summaries(messages: Iterable[str | None]) -> Counter[OutcomeKind]:
    """Return the sum of the summaries in runs' messages; a message without a summary adds nothing."""
    counts: Counter[OutcomeKind] = Counter()
    for message in messages:
        if found := _SUMMARY.search(message or ""):
            counts.update(dict(zip(OutcomeKind, map(int, found.groups("0")), strict=True)))
    return counts
