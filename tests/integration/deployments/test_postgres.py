"""Postgres as the sandbox runs it: what a commit outlives, who can connect, what is left after it."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from deployments.sandbox.postgres import Postgres, PostgresUnavailable
from deployments.sandbox.processes import Child

NOBODY = 65534


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, Child]]:
    """Start a Postgres in a folder; its URL and process. Stop it on leaving."""
    started: list[Child] = []

    def register(child: Child) -> Child:
        started.append(child)
        return child

    try:
        postgres = Postgres(folder)
    except PostgresUnavailable as error:
        pytest.skip(str(error))
    try:
        yield postgres.url if postgres.start(register) else "", started[0]
    finally:
        for child in started:
            child.stop()


async def execute(url: str, *statements: str) -> list[Any]:
    """Execute statements in a transaction; the rows of the last one."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                result = await connection.execute(sa.text(statement))
            return list(result.all()) if result.returns_rows else []
    finally:
        await engine.dispose()


def test_commits_outlive_a_sigkill(tmp_path: Path) -> None:
    """After a SIGKILL, another start in the same folder has the committed rows."""
    with running(tmp_path) as (url, process):
        asyncio.run(execute(url, "CREATE TABLE numbers (n int)", "INSERT INTO numbers VALUES (1)"))
        process.kill()
    with running(tmp_path) as (url, _):
        assert asyncio.run(execute(url, "SELECT n FROM numbers")) == [(1,)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the user")
def test_as_root_it_runs_without_a_user_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where unshare fails it runs as nobody, as long as nobody can enter the folder."""
    monkeypatch.setattr("deployments.sandbox.postgres._USER_NAMESPACE", ("false",))
    with pytest.raises(PostgresUnavailable, match="refuses to run as root"):
        Postgres(tmp_path)  # pytest's folders are for their owner only
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        with running(Path(folder)) as (url, process):
            assert asyncio.run(execute(url, "SELECT 1")) == [(1,)]
            assert Path(f"/proc/{process.pid}").stat().st_uid == NOBODY


def test_it_listens_on_the_loopback_and_requires_the_password(tmp_path: Path) -> None:
    """Another address of the machine is refused, as is another password; the password file is its owner's alone."""
    with running(tmp_path) as (url, _):
        host, port = sa.make_url(url).host, sa.make_url(url).port
        assert host == "127.0.0.1"
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), timeout=1):
            pass
        wrong = sa.make_url(url).set(password="wrong").render_as_string(hide_password=False)
        with pytest.raises(Exception, match="password authentication failed"):
            asyncio.run(execute(wrong, "SELECT 1"))
        assert (tmp_path / "postgres.password").stat().st_mode & 0o077 == 0


def test_stopping_it_leaves_nothing_behind(tmp_path: Path) -> None:
    """With a client connected it ends, without waiting for the client, with exit code 0 and no shared memory left."""
    before = shared_memory()
    with running(tmp_path) as (url, process):
        engine = create_async_engine(url)

        async def stop_while_connected() -> None:
            async with engine.connect() as connection:
                await connection.execute(sa.text("SELECT 1"))
                await asyncio.to_thread(process.stop, 60.0)
            with suppress(Exception):  # the connection is gone
                await engine.dispose()

        with suppress(sa.exc.DBAPIError):
            asyncio.run(stop_while_connected())
        assert process.process.returncode == 0
    new, deadline = shared_memory() - before, time.monotonic() + 60
    while new & shared_memory():  # another process's initdb has some for a moment
        assert time.monotonic() < deadline, new
        time.sleep(0.2)


def shared_memory() -> set[str]:
    """The POSIX shared memory of all processes, by name; none without /dev/shm."""
    folder = Path("/dev/shm")  # noqa: S108 - only listed
    return {entry.name for entry in folder.glob("PostgreSQL*")} if folder.exists() else set()
