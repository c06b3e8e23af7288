"""How many failures a long replay or back-fill bears: a list of another organization's ids fails to its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from tasks.pipeline.outcomes import UNSUCCESSFUL, Outcome

MIN_JUDGED = 100
"""Outcomes before any judgement: what a person looks through by hand is done to its end."""
DEFAULT = 0.1
Share = Annotated[float, Field(ge=0, le=1)]


def intolerable(outcomes: Sequence[Outcome], tolerated: float, left: int) -> str | None:
    """Return why it stops here, with `left` events not tried, or None while it goes on.

    A tolerated share of 1 never stops. After the last event nothing is left to stop.
    """
    done, bad = len(outcomes), sum(each.kind in UNSUCCESSFUL for each in outcomes)
    if left and done >= MIN_JUDGED and bad > tolerated * done:
        return (
            f"stopped: {bad} of {done} events failed or were rejected, {tolerated:.0%} are tolerated; "
            f"{left} were not tried. Correct the cause, then start it again"
        )
    return None
