"""A competitor: durable workflows of DBOS, with Postgres (or SQLite, where none is installed)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from tests.benchmarks.bench_sandbox import BenchSandbox
from tests.benchmarks.competitors import ScriptCompetitor
from tests.benchmarks.postgres import Postgres, binaries

Grain = Literal["event", "batch"]
_LABELS = {"event": "DBOS, per event", "batch": "DBOS, per 100 events"}


def database() -> str:
    """Return which database DBOS uses on this machine."""
    found = binaries()
    return f"Postgres {found.parent.name}, a server of the benchmark's own" if found else "its SQLite"


class DbosWorkflows(ScriptCompetitor):
    """One durable workflow of three steps per event, or per hundred events."""

    def __init__(self, bench: BenchSandbox, grain: Grain, *, limited: bool) -> None:
        super().__init__(bench, "e", _LABELS[grain], "dbos_script", limited=limited)
        self.max_burst = 500 if grain == "event" else 10_000
        self._grain = grain
        self._postgres: Postgres | None = None

    def __enter__(self) -> Self:
        """Start the database, then the process."""
        if commands := binaries():
            self._postgres = Postgres(self.bench.sandbox.folder / "dbos", commands).__enter__()
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
        """Return the script's environment."""
        sqlite = f"sqlite:///{self.bench.sandbox.folder}/dbos.sqlite"
        url = self._postgres.url if self._postgres else sqlite
        return super().environment() | {"BENCHMARK_GRAIN": self._grain, "BENCHMARK_DATABASE": url}

    @property
    def server(self) -> Sequence[int]:
        """Postgres."""
        return [self._postgres.child.pid] if self._postgres else []
