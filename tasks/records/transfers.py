"""How often a conversation was transferred by the person who had it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.records.agent_sessions import SKEW, AgentSession
from tasks.records.json_values import number
from tasks.records.sessions import NO_TIME, Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TRANSFERS = frozenset({"transfer", "consultTransfer"})


def transfers_of(own: Sequence[AgentSession]) -> int:
    """Return how often an agent who had interacted gave the conversation on.

    The greater of two counts: that of the moments at which an interaction ended as a transfer (several sessions can
    tell of one), and the sum of the metric nTransferred, which not every answer has.
    """
    moments = sorted(moment for each in own if (moment := _moment(each)) is not None)
    counted, last = 0, None
    for moment in moments:
        if last is None or moment > last + SKEW:
            counted += 1
        last = moment
    return max(counted, _metric(own))


def _moment(each: AgentSession) -> int | None:
    """Return when the session's interaction ended, if that was a transfer, in epoch milliseconds."""
    if not each.interactions:
        return None
    last = max(each.of("interact", "hold"), key=_end)
    return (last.start if last.end is None else last.end) if last.disconnect_type in _TRANSFERS else None


def _end(segment: Segment) -> tuple[int, int, str]:
    return NO_TIME if segment.end is None else segment.end, segment.start, segment.disconnect_type or ""


def _metric(own: Iterable[AgentSession]) -> int:
    metrics = [m for each in own for m in each.session.metrics if m.get("name") == "nTransferred"]
    values = (number(metric.get("value")) for metric in metrics)
    return sum(int(value) for value in values if value is not None)
