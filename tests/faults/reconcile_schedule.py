"""Reconcile, started every few seconds as its schedule does every hour, with an interval of two minutes.

The guarantees rely on it for overdue deferrals and for runs whose end the server never received. The interval is
so short that it finds no conversation whose event was lost: an event that was lost stays lost, and is noticed.
"""

from __future__ import annotations

import re
from typing import Any

from tests.faults.flow_schedule import FlowSchedule
from tests.faults.sandbox_view import SandboxView

INTERVAL = 15.0  # seconds; an hour, scaled like all delays of the sandbox
_PARAMETERS = {"last_hours": 0.03, "overdue": True, "unsettled": "all"}
_RESTARTED = re.compile(r"(\d+) overdue or unsettled restarted")
_RESCHEDULED = re.compile(r"(\d+) abandoned runs scheduled again")


def _sum(pattern: re.Pattern[str], messages: list[str]) -> int:
    return sum(int(found[1]) for each in messages if (found := pattern.search(each)))


class ReconcileSchedule(FlowSchedule):
    """Creates a reconcile run every INTERVAL seconds; a context manager."""

    def __init__(self, view: SandboxView) -> None:
        super().__init__(view, "reconcile-interactions/reconcile", INTERVAL, **_PARAMETERS)
        self._view = view

    def restarted(self, since: str) -> str:
        """Return how many interactions and abandoned runs reconcile has started again since a time."""
        query: dict[str, Any] = {
            "flows": {"name": {"any_": ["reconcile-interactions"]}},
            "flow_runs": {"expected_start_time": {"after_": since}},
        }
        runs = self._view.prefect("flow_runs/filter", query)
        messages = [str((run.get("state") or {}).get("message")) for run in runs]
        interactions, abandoned = (_sum(each, messages) for each in (_RESTARTED, _RESCHEDULED))
        return f"{interactions}, {abandoned} runs" if abandoned else str(interactions)
