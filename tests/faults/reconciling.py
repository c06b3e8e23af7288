"""Reconcile, started every few seconds as its schedule does it every hour, without an interval to speak of.

The guarantee counts on it for what nobody remembers: overdue deferrals, runs whose end the server never heard of.
It asks Genesys for nothing that an event should have told of: an event that was lost stays lost.
"""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from typing import Any, Self

from requests import RequestException

from tests.faults.sandbox_view import View

EVERY = 15.0  # seconds; an hour, scaled like everything else
_PARAMETERS = {"last_hours": 0.03, "overdue": True, "unsettled": "all"}
_RESTARTED = re.compile(r"(\d+) overdue or unsettled restarted")
_REVIVED = re.compile(r"(\d+) abandoned runs scheduled again")


def _sum(pattern: re.Pattern[str], messages: list[str]) -> int:
    return sum(int(found[1]) for each in messages if (found := pattern.search(each)))


class Reconciling:
    """A schedule of its own; a context manager."""

    def __init__(self, view: View, deployment_id: str) -> None:
        self._view = view
        self._path = f"deployments/{deployment_id}/create_flow_run"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._main, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def restarted(self, since: str) -> str:
        """How many interactions and abandoned runs reconcile has started again since a time."""
        query: dict[str, Any] = {
            "flows": {"name": {"any_": ["reconcile-interactions"]}},
            "flow_runs": {"expected_start_time": {"after_": since}},
        }
        runs = self._view.prefect("flow_runs/filter", query)
        messages = [str((run.get("state") or {}).get("message")) for run in runs]
        interactions, abandoned = (_sum(each, messages) for each in (_RESTARTED, _REVIVED))
        return f"{interactions}, {abandoned} runs" if abandoned else str(interactions)

    def _main(self) -> None:
        while not self._ended.wait(EVERY):
            with suppress(RequestException):  # the server is away: so would its schedule be
                self._view.prefect(self._path, {"parameters": _PARAMETERS, "state": {"type": "SCHEDULED"}})
