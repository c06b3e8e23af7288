"""A real Prefect server for tests: SQLite in a folder of its own, a free loopback port, stopped by its pid.

`with running_server(folder) as server:` gives `server.api_url` and `server.environment()`, the environment of
every process that is to talk to it. As a fixture, in a conftest or a test module:

    from tests.integration.prefect_server import prefect_server  # noqa: F401
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_START_SECONDS = 120.0  # a new SQLite database takes 14 s on two idle cores
_STOP_SECONDS = 20.0
_POLL = 0.2


@dataclass(frozen=True)
class PrefectServer:
    """A running server: where its API is, and the folder that is its PREFECT_HOME."""

    api_url: str
    home: Path

    def environment(self, **extra: str) -> dict[str, str]:
        """Return the environment of a process that talks to this server and to nothing else."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
        return inherited | quiet(self.home) | {"PREFECT_API_URL": self.api_url} | extra


def quiet(home: Path) -> dict[str, str]:
    """Return the settings that keep Prefect in `home`, and from calling home."""
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_CLI_COLORS": "false",
        "PYTHONPATH": str(ROOT),
    }


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server(home: Path, port: int | None = None, **settings: str) -> Iterator[PrefectServer]:
    """Start a server in `home`, with `settings` in its environment; stop it again whatever happens."""
    port = port or free_port()
    server = PrefectServer(api_url=f"http://127.0.0.1:{port}/api", home=home)
    # With SQLite transactions that wait, as in the sandbox: what is tested here is not SQLite's impatience.
    command = [sys.executable, "-m", "deployments.sandbox.prefect_on_sqlite", "server", "start"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with process(command, server.environment(**settings), home / "server.log") as child:
        _await_answer(server, child)
        yield server


@contextmanager
def process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` with its output in `log`; on leaving, ask it to stop, then insist."""
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - our own command
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
    """Terminate `child`, and kill what is left of its process group when it does not go."""
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


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """One Prefect server for the whole session."""
    with running_server(tmp_path_factory.mktemp("prefect")) as server:
        yield server
