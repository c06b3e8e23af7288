"""How much of a limit of requests is used, from the moments at which they were counted."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

MINUTE = 60.0


def requests_a_minute(moments: Sequence[float], limit: int) -> float:
    """Return how many of `limit` requests a minute are used; the moments are in seconds.

    The mean time from a request to the one that took its place in the limit decides; NaN without any such.
    """
    spans = [later - earlier for earlier, later in zip(moments, moments[limit:], strict=False)]
    return limit / mean(spans) * MINUTE if spans else float("nan")
