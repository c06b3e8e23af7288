"""What replay and reconcile share: they take long, in a run of their own, and show how far they are."""

from __future__ import annotations

from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.runtime import flow_run

from flows.lost import WorkerLost
from flows.recovery import times_lost
from tasks.bootstrap import services

_STEP = 1.0  # percent between two updates: a run of thousands of batches makes a hundred calls


class Progress:
    """The run's progress bar in the UI; `total` is in whatever unit is counted."""

    def __init__(self, key: str, total: int, unit: str) -> None:
        self._key = key
        self._total = total
        self._unit = unit
        self._done = 0
        self._shown = 0.0
        self._artifact: UUID | None = None

    async def start(self) -> None:
        """Show the bar, empty."""
        self._artifact = await acreate_progress_artifact(0.0, key=self._key, description=self._text())

    async def add(self, done: int) -> None:
        """Count what was done, and show it when it makes a difference."""
        self._done += done
        percent = 100.0 * self._done / self._total if self._total else 100.0
        if self._artifact and (percent - self._shown >= _STEP or self._done >= self._total):
            self._shown = percent
            await aupdate_progress_artifact(self._artifact, min(percent, 100.0), self._text())

    def _text(self) -> str:
        return f"{self._done} of {self._total} {self._unit}"


async def give_up_if_lost() -> None:
    """Raise WorkerLost when this run has cost too many workers: it would be started again for ever."""
    if flow_run.id is None or flow_run.run_count <= 1:
        return
    limit = services().settings.lost_worker_limit
    if await times_lost(UUID(flow_run.id)) > limit:
        raise WorkerLost(f"the worker died {limit + 1} times during this run; ask for less at once")
