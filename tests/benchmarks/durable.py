"""DBOS as a competitor: its process, and Postgres (or SQLite, where none is installed)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from tests.benchmarks.competitors import Script
from tests.benchmarks.postgres import Postgres, binaries
from tests.benchmarks.stage import Stage

Grain = Literal["event", "batch"]
_LABELS = {"event": "DBOS, one workflow per event", "batch": "DBOS, one workflow per 100 events"}


def store() -> str:
    """Where DBOS keeps its steps here."""
    found = binaries()
    return f"Postgres {found.parent.name}, a server of the benchmark's own" if found else "its SQLite"


class Durable(Script):
    """One durable workflow of three steps for each event, or for each hundred."""

    def __init__(self, stage: Stage, grain: Grain, *, limited: bool) -> None:
        super().__init__(stage, "e", _LABELS[grain], "durable_script", limited=limited)
        self.most = 500 if grain == "event" else 10_000
        self._grain = grain
        self._postgres: Postgres | None = None

    def __enter__(self) -> Self:
        """Start the database, then the process."""
        if commands := binaries():
            self._postgres = Postgres(self.stage.sandbox.folder / "dbos", commands).__enter__()
        try:
            super().__enter__()
        except BaseException:
            self._stop_database()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._stop_database()

    def _stop_database(self) -> None:
        if self._postgres:
            self._postgres.__exit__()

    def environment(self) -> dict[str, str]:
        """The script's environment."""
        sqlite = f"sqlite:///{self.stage.sandbox.folder}/dbos.sqlite"
        url = self._postgres.url if self._postgres else sqlite
        return super().environment() | {"BENCHMARK_GRAIN": self._grain, "BENCHMARK_DATABASE": url}

    @property
    def server(self) -> Sequence[int]:
        """Postgres."""
        return [self._postgres.child.pid] if self._postgres else []
