"""The database of the sandbox's Prefect server: the one that was given, else Postgres, else SQLite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deployments.sandbox.postgres import Postgres, PostgresUnavailable
from deployments.sandbox.processes import Child, OnStart


class PrefectDatabase:
    """Chosen at the first `start`; a second one, for another start of the Prefect server, has the same data."""

    def __init__(
        self, folder: Path, progress: Callable[[str], None] = lambda _: None, given_url: str = ""
    ) -> None:
        self.url = ""  # as Prefect's setting has it, once it was started
        self._folder = folder
        self._progress = progress
        self._given_url = given_url
        self._postgres: Postgres | None = None
        self._child: Child | None = None

    def start(self, on_start: OnStart) -> str:
        """Start Postgres, if it is the choice and does not run; return the database's URL."""
        if not self.url:
            self._postgres = self._choose()
        if self._postgres is None:
            self.url = self._given_url or f"sqlite+aiosqlite:///{self._folder / 'prefect.db'}"
        elif not (self._child and self._child.alive()):
            self._child = self._postgres.start(on_start)
            self.url = self._postgres.url
        return self.url

    def _choose(self) -> Postgres | None:
        if self._given_url:
            self._progress("prefect: on the database of PREFECT_API_DATABASE_CONNECTION_URL")
            return None
        try:
            return Postgres(self._folder)
        except PostgresUnavailable as error:
            self._progress(f"prefect: on SQLite, which is slower, because Postgres is unavailable: {error}")
            return None
