"""A schedule in seconds: what a deployment's own schedule does every hour or every quarter of one."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any, Self

from requests import RequestException

from tests.faults.sandbox_view import SandboxView


class FlowSchedule:
    """Creates a run of a deployment every `interval` seconds, unless one still waits; a context manager.

    One that waits is enough: as Prefect's own schedules, it makes up for those that could not run before.
    """

    def __init__(self, view: SandboxView, name: str, interval: float, **parameters: Any) -> None:
        self._view = view
        self._flow = name.partition("/")[0]
        self._path = f"deployments/{view.deployment(name)}/create_flow_run"
        self._parameters = parameters
        self._interval = interval
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._main, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _main(self) -> None:
        while not self._ended.wait(self._interval):
            with suppress(RequestException):  # while the server is away its schedules create no runs either
                if not self._view.waiting(self._flow):
                    body = {"parameters": self._parameters, "state": {"type": "SCHEDULED"}}
                    self._view.prefect(self._path, body)
