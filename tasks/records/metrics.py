"""The metrics of a conversation: Genesys gives them per session, without totals."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from tasks.records.json_values import identifier, number

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from tasks.records.sessions import Session

# Times and counts, whose names are Genesys's. Averages and extremes cannot be added, nor observations (o...).
_ADDABLE = re.compile(r"[tn](?!(?:Average|Avg|Median|Min|Max|Longest|Shortest)[A-Z])[A-Z]\w*", re.ASCII)


def metrics_of(sessions: Iterable[Session], *, internal: bool) -> dict[str, int | Decimal]:
    """Return each metric's sum over all sessions, in name order: ms for t..., a count for n...

    Several entries of one name in a session are several stretches. Of an internal call, in which every person has
    the same time, it is the time of the person who has most: people, not double time. Whole sums are ints; others
    are Decimals without trailing zeros.
    """
    all_sessions = list(sessions)
    sums = _sums(all_sessions)
    if internal:
        persons: dict[str, list[Session]] = {}
        for session in all_sessions:
            person = identifier(session.participant.get("userId")) or session.sort_key[1]
            persons.setdefault(person, []).append(session)
        of_persons = [_sums(each) for each in persons.values()]
        for name in sums:
            if name.startswith("t"):
                sums[name] = max(each[name] for each in of_persons if name in each)
    return {name: _shortest(sums[name]) for name in sorted(sums)}


def _sums(sessions: Iterable[Session]) -> dict[str, int | Decimal]:
    sums: dict[str, int | Decimal] = {}
    for session in sessions:
        for metric in session.metrics:
            name = metric.get("name")
            if (
                isinstance(name, str)
                and _addable(name)
                and (value := number(metric.get("value"))) is not None
            ):
                sums[name] = sums.get(name, 0) + value
    return sums


@lru_cache(maxsize=1024)
def _addable(name: str) -> bool:
    return identifier(name) is not None and _ADDABLE.fullmatch(name) is not None


def _shortest(total: int | Decimal) -> int | Decimal:
    if isinstance(total, int):
        return total
    return int(total) if total == total.to_integral_value() else total.normalize()
