"""How much of the request limit of Genesys all workers together have used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound

from deployments.status.finding import Finding, SourceStatus
from tasks.concurrency import GENESYS_REQUESTS, GENESYS_REQUESTS_BACKGROUND, STORE_WRITES
from tasks.genesys.rate_limit.store import DynamoWindowStore
from tasks.genesys.rate_limit.window import RateWindow
from tasks.stores import dynamodb

LIMITS = (GENESYS_REQUESTS, GENESYS_REQUESTS_BACKGROUND, STORE_WRITES)

Limits = Mapping[str, int | None]
"""Concurrency limits by name; None for one that is missing or inactive."""


async def limits(client: PrefectClient) -> Limits:
    """Return Prefect's limits that the pipeline needs. Raises httpx's errors."""
    found: dict[str, int | None] = {}
    for name in LIMITS:
        try:
            limit = await client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            found[name] = None
        else:
            found[name] = limit.limit if limit.active else None
    return found


def window(aws: Any, table: str, seconds: float, now: datetime) -> RateWindow:
    """Return the window of requests. Raises RateLimiterUnavailable."""
    reply = DynamoWindowStore(dynamodb.client(1, aws), table).load(seconds)
    return reply.window.at(now.timestamp() if reply.date is None else reply.date)


def judge_limits(found: Limits) -> SourceStatus:
    """Return the limits; a finding for those without which no run can work."""
    status = SourceStatus("limits", data=dict(found))
    status.lines = [f"{name}: {limit or 'missing or inactive'}" for name, limit in found.items()]
    if missing := [name for name, limit in found.items() if limit is None]:
        text = f"concurrency limits missing or inactive: {', '.join(missing)}"
        step = "`interactions apply`, or activate it in the Prefect UI"
        status.findings.append(Finding("limit-missing", text, step, len(missing)))
    return status


def judge(found: RateWindow, allowed: Limits) -> SourceStatus:
    """Return what is used of what is allowed; a finding when nothing is left."""
    used = found.used()
    total, background = allowed.get(GENESYS_REQUESTS), allowed.get(GENESYS_REQUESTS_BACKGROUND)
    status = SourceStatus("budget")
    status.data = {
        "seconds": found.length,
        "used": used.total,
        "allowed": total,
        "backgroundUsed": used.background,
        "backgroundAllowed": background,
        "genesysAllows": found.genesys_limit,
    }
    status.lines = [
        f"{used.total} of {_shown(total)} requests in the last {found.length:.0f} s",
        f"replay and reconcile: {used.background} of {_shown(background)} of them",
    ]
    if total is not None and used.total >= total:
        text = f"all of the {total} requests of the last {found.length:.0f} s are used: work waits"
        step = "see docs/scaling.md"
        status.findings.append(Finding("budget-used", text, step, used.total, level="watch"))
    return status


def _shown(limit: int | None) -> str:
    return "(not known)" if limit is None else str(limit)
