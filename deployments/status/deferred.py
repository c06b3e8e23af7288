"""What waits in the interaction table, by reason; read by the index byDue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from deployments.status.finding import Finding, Level, SourceStatus, age, counted, is_older
from tasks.stores import DeferralReason, InteractionTable, Stored
from tasks.values import instant

MAX_ROWS = 5_000
"""Rows of the table that are looked at; with more the counts are "at least"."""
LASTING = timedelta(hours=1)
"""After which a person looks at what should have passed by itself."""
OVERDUE = timedelta(minutes=15)
UNEXPLAINED = "unknown"
"""The reason of a row that another release deferred."""
STEPS = {
    DeferralReason.THROTTLED: "ask Genesys less: `prefect gcl update genesys-requests --limit 200`",
    DeferralReason.UNREACHABLE: "`interactions verify` tells network, host and Genesys apart",
    DeferralReason.REFUSED: "`interactions verify` tells credentials and permissions apart",
    DeferralReason.NOT_KNOWN: "check the divisions of the OAuth client's roles",
}
"""What to do about a reason; the others are the ordinary course of things."""


class Waiting(NamedTuple):
    """One interaction that waits: why, since when, and until when."""

    reason: str
    since: datetime | None
    due: datetime | None

    @classmethod
    def of(cls, stored: Stored) -> Waiting:
        """Return what a row says."""
        known = stored.deferred_for in set(DeferralReason)
        reason = stored.deferred_for if known and stored.deferred_for else UNEXPLAINED
        return cls(reason, instant(stored.deferred_since), instant(stored.due_at))


@dataclass(frozen=True)
class Group:
    """The interactions that wait for one reason."""

    reason: str
    count: str
    """As text, `at least` where not all were counted."""
    number: int
    oldest: datetime | None


def read(table: InteractionTable, now: datetime) -> SourceStatus:
    """Return what waits, by reason. Raises StoreUnavailable."""
    found = list(islice(map(Waiting.of, table.waiting()), MAX_ROWS + 1))
    return judge(found[:MAX_ROWS], now, complete=len(found) <= MAX_ROWS)


def judge(found: Sequence[Waiting], now: datetime, *, complete: bool = True) -> SourceStatus:
    """Return the counts and the oldest of each reason; findings for what is not the ordinary course of things."""
    status = SourceStatus("deferred", data={"complete": complete})
    for group in _groups(found, complete=complete):
        since = f", oldest {age(group.oldest, now)}" if group.oldest else ""
        status.lines.append(f"{group.reason.replace('-', ' ')}: {group.count}{since}")
        status.data[group.reason] = {"interactions": group.number, "oldest": group.oldest}
        status.findings += _finding(group, now)
    status.lines = status.lines or ["none"]
    status.findings += _overdue(found, now)
    return status


def _groups(found: Iterable[Waiting], *, complete: bool) -> list[Group]:
    groups: dict[str, list[Waiting]] = defaultdict(list)
    for each in found:
        groups[each.reason].append(each)
    return [
        Group(
            reason,
            counted(len(members), "interaction", at_least=not complete),
            len(members),
            min((each.since for each in members if each.since), default=None),
        )
        for reason, members in sorted(groups.items())
    ]


def _finding(group: Group, now: datetime) -> list[Finding]:
    step = STEPS.get(DeferralReason(group.reason)) if group.reason != UNEXPLAINED else None
    lasting = is_older(group.oldest, now, LASTING) or group.reason == DeferralReason.REFUSED
    if step is None or (group.reason == DeferralReason.NOT_KNOWN and not lasting):
        return []  # Genesys lists a conversation some minutes late
    text = f"{group.count} deferred: {group.reason.replace('-', ' ')}"
    level: Level = "act" if lasting else "watch"
    return [Finding(f"deferred-{group.reason}", text, step, group.number, group.oldest, level)]


def _overdue(found: Iterable[Waiting], now: datetime) -> list[Finding]:
    late = [each.due for each in found if each.due and now - each.due > OVERDUE]
    if not late:
        return []
    text = f"{counted(len(late), 'interaction')} overdue: their runs are late or lost"
    level: Level = "act" if is_older(min(late), now, 2 * LASTING) else "watch"
    return [Finding("deferred-overdue", text, "`interactions reconcile`", len(late), min(late), level)]
