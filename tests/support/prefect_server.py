"""A real Prefect server for tests: its own folder and database, a free loopback port, stopped by its process id.

`with running_server(folder) as server:` gives `server.api_url` and `server.environment()`, the environment of
its clients' processes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.sandbox.database import PrefectDatabase
from deployments.sandbox.processes import Child, free_port
from tests.support.preloaded import popen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
_START_SECONDS = 120.0  # a new database takes 10 s on two idle cores
_STOP_SECONDS = 20.0
_POLL = 0.2


@dataclass(frozen=True)
class PrefectServer:
    """A running server: its API's URL, the folder that is its PREFECT_HOME, and user and password if it is locked."""

    api_url: str
    home: Path
    pid: int = 0
    auth_string: str | None = None

    def environment(self, **extra: str) -> dict[str, str]:
        """Return the environment of a process that uses this server."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
        password = {"PREFECT_API_AUTH_STRING": self.auth_string} if self.auth_string else {}
        return inherited | quiet(self.home) | {"PREFECT_API_URL": self.api_url} | password | extra


def quiet(home: Path) -> dict[str, str]:
    """Return the settings that keep Prefect's files in `home` and turn its telemetry off."""
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_CLI_COLORS": "false",
        "PYTHONPATH": str(ROOT),
    }


@contextmanager
def running_server(
    home: Path, port: int | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[PrefectServer]:
    """Start a server in `home`, with `settings` in its environment; stop it on leaving."""
    port = port or free_port()
    password = (settings or {}).get("PREFECT_SERVER_API_AUTH_STRING")
    server = PrefectServer(api_url=f"http://127.0.0.1:{port}/api", home=home, auth_string=password)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with _database(home) as database_url:
        environment = server.environment(PREFECT_API_DATABASE_CONNECTION_URL=database_url, **(settings or {}))
        with process(command, environment, home / "server.log") as child:
            _await_answer(server, child)
            yield replace(server, pid=child.pid)


@contextmanager
def _database(home: Path) -> Iterator[str]:
    """Start the sandbox's choice of a database in `home`; stop it on leaving. Yields its URL."""
    started: list[Child] = []

    def register(child: Child) -> Child:
        started.append(child)
        return child

    try:
        yield PrefectDatabase(home).start(register)
    finally:
        for child in started:
            child.stop()


@contextmanager
def process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` with its output in `log`; stop it on leaving."""
    with log.open("ab") as output:
        child = popen(
            command,
            env=environment,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield child
    finally:
        stop(child)


def stop(child: subprocess.Popen[bytes]) -> None:
    """Terminate `child`; kill what is left of its process group after 20 s."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    try:
        os.killpg(child.pid, signal.SIGKILL)  # a server's or worker's own children
    except ProcessLookupError:
        return


def _await_answer(server: PrefectServer, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{server.api_url}/health", timeout=2):  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_POLL)
    raise RuntimeError(
        "The Prefect server did not start:\n" + (server.home / "server.log").read_text()[-2000:]
    )
