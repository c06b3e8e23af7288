"""Days in the past as a reconcile's parameters, and conversations in them that no event has reported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from tests.support.sandbox import SandboxDriver

_TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)  # also for a test over midnight
NO_RESTARTS = {"overdue": False, "unsettled": "none"}  # a reconcile that starts no deferred work again


def iso(moment: datetime) -> str:
    """Return a moment as Genesys and Prefect take it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def midnight(days_ago: int) -> datetime:
    """Return the beginning of a day in the past, UTC; the same one during all of a session."""
    return _TODAY - timedelta(days=days_ago)


def day(days_ago: int) -> dict[str, str]:
    """Return a whole day as a reconcile's parameters."""
    return {"start": iso(midnight(days_ago)), "end": iso(midnight(days_ago - 1))}


def add_conversations(driver: SandboxDriver, count: int, **interval: str) -> list[str]:
    """Let Genesys have conversations that started in an interval, without an event; return their ids."""
    return list(driver.simulator("conversations", count=count, **interval)["ids"])


def checkpoint(driver: SandboxDriver, days: tuple[int, int], suffix: str = "") -> Any:
    """Return the value of a back-fill's checkpoint, from one midnight to another; None when there is none."""
    start, end = (f"{midnight(each):%Y%m%dt%H%M%S}" for each in days)
    url = f"{driver.addresses.prefect_api_url}/variables/name/reconcile_{start}_{end}{suffix}"
    answer = requests.get(url, timeout=60)
    return answer.json()["value"] if answer.ok else None
