"""How much of a limit of requests is used, from the moments at which they were counted."""

from __future__ import annotations

from collections.abc import Sequence

MINUTE = 60.0


def requests_a_minute(moments: Sequence[float], limit: int) -> float:
    """Return the requests a minute over whole windows; the moments are in seconds, sorted.

    A window is `limit` requests, and ends with the first request of the next. What is left at the end of the work is no
    window; NaN without any.
    """
    requests = (len(moments) - 1) // limit * limit
    return requests * MINUTE / (moments[requests] - moments[0]) if requests > 0 else float("nan")
