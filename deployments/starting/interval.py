"""The interval of a reconcile, checked before a run is started."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from deployments.errors import BadValue
from tasks.errors import PermanentError
from tasks.operations.intervals import resolve_interval


def checked(
    start: datetime | None,
    end: datetime | None,
    *,
    last_hours: float | None,
    last_days: float | None,
    mode: str = "query",
) -> dict[str, Any]:
    """Return the run's parameters. Raises BadValue for what is no interval."""
    try:
        resolve_interval(start, end, last_hours=last_hours, last_days=last_days, now=datetime.now(UTC))
    except PermanentError as error:
        raise BadValue(str(error)) from None
    if mode == "jobs" and start is None:
        raise BadValue("--mode jobs is for a back-fill: name --start")
    given = {
        "start": start.isoformat() if start else None,
        "end": end.isoformat() if end else None,
        "last_hours": last_hours,
        "last_days": last_days,
        "mode": mode if mode != "query" else None,
    }
    return {name: value for name, value in given.items() if value is not None}
