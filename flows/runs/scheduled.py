"""Scheduled reconciles: each covers from where the last one ended, and those that were missed collapse into one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.runtime import flow_run

from flows.runs.checkpoint import Watermark
from flows.runs.current_run import run_id
from flows.runs.timeouts import RECONCILE

Schedule = Literal["none", "hourly", "daily"]
"""The schedule that a run belongs to; each has a watermark of its own."""


class ScheduledRun:
    """The current run, as one of a schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.watermark = Watermark(schedule)
        self.scheduled_for = min(_utc(flow_run.scheduled_start_time), datetime.now(UTC))

    async def superseded_by(self) -> str | None:
        """Return what makes this run unnecessary; None when it has to reconcile.

        Of the runs that are due the latest reconciles for all. When it fails nothing is lost: the next one begins
        where the last completed one ended.
        """
        covered = await self.watermark.covered_until()
        if covered and self.scheduled_for <= covered:
            return f"reconciled until {covered:%Y-%m-%d %H:%M} UTC already"
        async with get_client() as client:
            later = await self._later_due(client)
        return f"run {later} of {self._schedule} was due later, and reconciles for both" if later else None

    async def _later_due(self, client: PrefectClient) -> str | None:
        """Return the id of an unfinished run of this schedule that was due after this one, and by now."""
        now = datetime.now(UTC).isoformat()
        due = {"after_": self.scheduled_for.isoformat(), "before_": now}
        states = ("SCHEDULED", "PENDING", "RUNNING")
        runs = await client.read_flow_runs(
            flow_filter=FlowFilter.model_validate({"name": {"any_": [RECONCILE]}}),
            flow_run_filter=FlowRunFilter.model_validate(
                {"expected_start_time": due, "state": {"type": {"any_": states}}}
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        )
        mine = (self.scheduled_for, run_id())
        return next((str(run.id) for run in runs if self._is_same(run) and _order(run) > mine), None)

    def _is_same(self, run: FlowRun) -> bool:
        return run.parameters.get("schedule") == self._schedule


def _order(run: FlowRun) -> tuple[datetime, str]:
    """Return what runs of a schedule are ordered by; two that are due at the same time have an order, too."""
    return _utc(run.expected_start_time or datetime.min.replace(tzinfo=UTC)), str(run.id)


def _utc(moment: datetime) -> datetime:
    return datetime.fromtimestamp(moment.timestamp(), UTC)
