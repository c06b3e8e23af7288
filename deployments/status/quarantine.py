"""What is in quarantine, by code; read by the index byReason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from deployments.status.finding import Finding, SourceStatus, counted
from tasks.stores import QuarantineTable
from tasks.values import instant

MAX_ROWS = 5_000
"""Rows of a reason that are looked at; with more the counts are "at least"."""
FRESH = timedelta(days=3)
"""How long a row is news."""
_ATTRIBUTES = ("reason", "code", "firstAt", "lastAt")


class Quarantined(NamedTuple):
    """One row of the quarantine table."""

    reason: str
    code: str
    first: datetime | None
    last: datetime | None


def read(table: QuarantineTable, now: datetime) -> SourceStatus:
    """Return what is in quarantine, by code. Raises StoreUnavailable."""
    rows: list[dict[str, Any]] = []
    complete = True
    for reason in ("failed", "rejected"):
        found = list(islice(table.by_reason(reason, attributes=_ATTRIBUTES), MAX_ROWS + 1))
        complete = complete and len(found) <= MAX_ROWS
        rows += found[:MAX_ROWS]
    return judge(map(_quarantined, rows), now, complete=complete)


def _quarantined(row: dict[str, Any]) -> Quarantined:
    return Quarantined(
        str(row.get("reason")), str(row.get("code")), instant(row.get("firstAt")), instant(row.get("lastAt"))
    )


def judge(found: Iterable[Quarantined], now: datetime, *, complete: bool = True) -> SourceStatus:
    """Return the counts by code; a finding for each reason that has rows of the last days."""
    rows, status = list(found), SourceStatus("quarantine")
    counts = Counter((row.reason, row.code) for row in rows)
    for (reason, code), count in sorted(counts.items()):
        status.lines.append(f"{reason}, {code}: {counted(count, 'event', at_least=not complete)}")
        status.data.setdefault(reason, {})[code] = count
    status.lines = status.lines or ["empty"]
    status.data["complete"] = complete
    fresh = [row for row in rows if row.last and now - row.last <= FRESH]
    status.findings = [
        finding
        for reason in ("failed", "rejected")
        for finding in _in_quarantine(
            reason, [row for row in fresh if row.reason == reason], complete=complete
        )
    ]
    return status


def _in_quarantine(reason: str, rows: list[Quarantined], *, complete: bool) -> list[Finding]:
    if not rows:
        return []
    codes = ", ".join(f"{code} {count:,}" for code, count in Counter(row.code for row in rows).most_common())
    text = f"{counted(len(rows), 'event', at_least=not complete)} {reason} in the last 3 days: {codes}"
    failed = reason == "failed"
    step = (
        "correct the cause, then `interactions replay --quarantined failed`"
        if failed
        else "their sender, or the rule: docs/operations.md, Quarantine codes"
    )
    first = min((row.first for row in rows if row.first), default=None)
    return [Finding(f"quarantine-{reason}", text, step, len(rows), first, level="act" if failed else "watch")]
