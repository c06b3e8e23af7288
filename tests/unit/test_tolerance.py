"""When a long replay stops because too much of it fails."""

from __future__ import annotations

import pytest

from tasks.operations.tolerance import intolerable
from tasks.pipeline.outcomes import Outcome, OutcomeKind


def outcomes(failed: int, of: int) -> list[Outcome]:
    """Return so many outcomes, the first of them failed."""
    kinds = [OutcomeKind.FAILED] * failed + [OutcomeKind.SAVED] * (of - failed)
    return [Outcome(kind, None, None) for kind in kinds]


@pytest.mark.parametrize(
    ("failed", "of", "tolerated", "left", "stops"),
    [
        (99, 99, 0.1, 50, False),  # too few to judge
        (100, 100, 0.1, 50, True),
        (10, 100, 0.1, 50, False),  # as many as tolerated
        (11, 100, 0.1, 50, True),
        (100, 100, 0.1, 0, False),  # nothing is left
        (500, 500, 1.0, 50, False),
        (1, 500, 0.0, 50, True),
        (0, 500, 0.0, 50, False),
    ],
)
def test_more_than_the_tolerated_share_stops_it(
    failed: int, of: int, tolerated: float, left: int, stops: bool
) -> None:
    """Only what is left can be stopped, and only once enough is known."""
    assert bool(intolerable(outcomes(failed, of), tolerated, left)) is stops
