"""Completeness and lag: what the last reconcile saw, from the item that it wrote."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from deployments.status.finding import Finding, SourceStatus, age
from flows.reports.health import percent, sparkline, summary
from tasks.operations.health import Health
from tasks.operations.health_table import HealthTable
from tasks.stores import dynamodb


def read(aws: Any, table: str, now: datetime) -> SourceStatus:
    """Return the figures. Raises StoreUnavailable, and KeyError, TypeError or ValueError for what are none."""
    plain = HealthTable(dynamodb.client(1, aws), table).load()
    return judge(Health.from_plain(plain) if plain else None, now)


def judge(health: Health | None, now: datetime) -> SourceStatus:
    """Return the figures; a finding for each objective that was missed."""
    status = SourceStatus("completeness", data=health.plain() if health else {})
    if health is None:
        status.lines = ["not known: no reconcile of these hours has completed"]
        return status
    status.lines = [
        f"{summary(health)}; seen {age(health.at, now)} ago",
        f"{sparkline(health.series('listed'))} ended, by hour",
        f"{sparkline(health.series('missing'))} found missing: {sum(health.series('missing'))}",
    ]
    status.findings = [*_incomplete(health), *_slow(health)]
    return status


def _incomplete(health: Health) -> list[Finding]:
    if health.is_complete or health.completeness is None:
        return []
    late, goals = health.totals["late"], health.objectives
    text = (
        f"{percent(health.completeness)} of the conversations had a row {goals.within / 3600:g} h after their end, "
        f"{goals.completeness:g} % are to have one: {late} had none"
    )
    step = "did the bus, the bridge or the workers stand still? The artifact `health` has the hours"
    return [Finding("completeness-missed", text, step, late, health.at)]


def _slow(health: Health) -> list[Finding]:
    lag = health.end_to_row
    if health.is_quick or lag is None:
        return []
    text = (
        f"95 of 100 rows come within {lag.p95:,.0f} s of the conversation's end, "
        f"{health.objectives.end_to_row:g} s are the objective"
    )
    step = "do events wait in the buffer, runs for workers, or requests for the limit? See the lines above"
    return [Finding("lag-missed", text, step, since=health.at, level="watch")]
