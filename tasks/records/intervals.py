"""Arithmetic of intervals, which are pairs of epoch milliseconds; one that ends at its start or before is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Interval = tuple[int, int]


def length_of_union(intervals: Sequence[Interval]) -> int:
    """Return how many milliseconds at least one of the intervals covers."""
    if not intervals:
        return 0
    if len(intervals) == 1:
        ((start, end),) = intervals
        return max(end - start, 0)
    total, reached = 0, min(intervals)[0]
    for start, end in sorted(intervals):
        if end > max(start, reached):
            total += end - max(start, reached)
            reached = end
    return total


def without(intervals: Iterable[Interval], holes: Sequence[Interval]) -> list[Interval]:
    """Return what the holes leave of the intervals."""
    left = list(intervals)
    for hole_start, hole_end in holes:
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, hole_start)), (max(start, hole_end), end))
            if piece[0] < piece[1]
        ]
    return left
