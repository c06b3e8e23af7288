"""Metrics: Genesys has them per session, with totals nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.records.reading import identifier, number, objects

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from tasks.records.legs import Leg


def metrics_of(legs: Iterable[Leg]) -> dict[str, int | Decimal]:
    """Return each metric's sum over all sessions, in name order: ms for t..., a count for n...

    Whole sums are ints; others are Decimals without trailing zeros.
    """
    sums: dict[str, int | Decimal] = {}
    for leg in legs:
        for metric in objects(leg.session.get("metrics")):
            name, value = identifier(metric.get("name")), number(metric.get("value"))
            if name and value is not None:
                sums[name] = sums.get(name, 0) + value
    return {name: _plain(sums[name]) for name in sorted(sums)}


def _plain(total: int | Decimal) -> int | Decimal:
    if isinstance(total, int):
        return total
    return int(total) if total == total.to_integral_value() else total.normalize()
