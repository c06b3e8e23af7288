"""The progress bar of a long run in the Prefect UI."""

from __future__ import annotations

from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

_STEP = 1.0  # percent between two updates: a run of thousands of batches makes a hundred calls


class Progress:
    """A progress artifact; `unit` names what `total` counts."""

    def __init__(self, key: str, total: int, unit: str) -> None:
        self._key = key
        self._total = total
        self._unit = unit
        self._done = 0
        self._shown = 0.0
        self._artifact: UUID | None = None

    async def start(self) -> None:
        """Publish the bar, empty."""
        self._artifact = await acreate_progress_artifact(0.0, key=self._key, description=self._text())

    async def add(self, done: int) -> None:
        """Count what was done, and publish it when it makes a percent."""
        self._done += done
        percent = 100.0 * self._done / self._total if self._total else 100.0
        if self._artifact and (percent - self._shown >= _STEP or self._done >= self._total):
            self._shown = percent
            await aupdate_progress_artifact(self._artifact, min(percent, 100.0), self._text())

    def _text(self) -> str:
        return f"{self._done} of {self._total} {self._unit}"
