"""A Postgres server for the benchmark, in a folder, on 127.0.0.1; stopped by its process id."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from deployments.sandbox.processes import Child, free_port

_START_SECONDS = 60.0


def binaries() -> Path | None:
    """Return the folder of the commands of the newest installed Postgres, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Postgres:
    """A context manager. Postgres refuses to run as root: then it runs as `nobody`, in a folder of /tmp."""

    def __init__(self, folder: Path, commands: Path) -> None:
        self._data = folder / "postgres"
        self._commands = commands
        self._log = folder / "logs/postgres.log"
        self._port = free_port()
        self._user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if _is_root() else []
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        self.child: Child

    def __enter__(self) -> Self:
        """Create the database and start the server."""
        if self._user:
            self._data = Path("/tmp") / f"benchmark-postgres-{os.getpid()}"  # noqa: S108 - nobody cannot read ours
        self._data.mkdir(parents=True)
        if self._user:
            user = pwd.getpwnam("nobody")
            os.chown(self._data, user.pw_uid, user.pw_gid)
        initdb = [str(self._commands / "initdb"), "-D", str(self._data), "-U", "postgres", "--auth=trust"]
        subprocess.run([*self._user, *initdb], check=True, capture_output=True, cwd="/")  # noqa: S603
        settings = {"listen_addresses": "127.0.0.1", "port": self._port, "unix_socket_directories": ""}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*self._user, str(self._commands / "postgres"), "-D", str(self._data), *options]
        self.child = Child("postgres", command, os.environ, self._log)
        ready = [str(self._commands / "pg_isready"), "-h", "127.0.0.1", "-p", str(self._port)]
        self.child.wait_until_ready(
            lambda: subprocess.run(ready, capture_output=True, check=False).returncode == 0,  # noqa: S603
            _START_SECONDS,
        )
        time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self.child.stop()
        shutil.rmtree(self._data, ignore_errors=True)


def _is_root() -> bool:
    return os.geteuid() == 0
