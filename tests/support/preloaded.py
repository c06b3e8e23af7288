"""Commands of the project, Prefect's servers and workers in forks of a Python that has imported Prefect already.

Each is a process with its own environment, as in a shell; only its imports are there before it starts: see
preloaded_process.py. What a process imports, and when, is for tests that start one with subprocess.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

import pytest

from deployments.sandbox import processes
from deployments.sandbox.processes import Child
from deployments.sandbox.servers import ROOT, prefect_settings
from tests.support.preloaded_process import HEAD_BYTES, NUMBER_BYTES

SECONDS = 280.0  # of a command
PRELOADED = ("deployments", "deployments.sandbox.patches.prefect_ui", "prefect")
"""Modules that are run as forks."""
_ENDED_BADLY = 255  # the exit code of a process of which nothing is known


def run_python(
    *words: str, environment: Mapping[str, str | None], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run Python with `-m MODULE` or `-c CODE` in the project's root; None removes a variable of the environment.

    Raises subprocess.TimeoutExpired.
    """
    known = {name: value for name, value in environment.items() if value is not None}
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as errors,
    ):
        given.write(stdin.encode())
        given.seek(0)
        process = Forked(words, known, ROOT, [given, out, errors])
        try:
            code = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(words, code, _content(out), _content(errors))


def popen(command: Sequence[str], *, env: Mapping[str, str], **options: Any) -> Any:
    """Start a process as subprocess.Popen does; Prefect's are forks, unless they are to import something else first."""
    words = _preloaded_words(command, env)
    if not words:
        return subprocess.Popen(command, env=env, **options)  # noqa: S603 - our own commands
    with Path(os.devnull).open("rb") as nothing:
        output = options["stdout"]
        return Forked(words, env, options.get("cwd") or Path.cwd(), [nothing, output, output])


def run(
    command: Sequence[str], *, env: Mapping[str, str], **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command as subprocess.run does; one of Prefect or of the project in the project's root is a fork."""
    words = _preloaded_words(command, env)
    if not words or options.get("cwd") != ROOT:
        return subprocess.run(command, env=env, **options)  # noqa: PLW1510, S603 - our own commands
    return run_python(*words, environment=env)


def _preloaded_words(command: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the words after `python` of a command whose imports are there; none of another."""
    python, *words = command
    is_preloaded = python == sys.executable and words[0] == "-m" and words[1] in PRELOADED
    return words if is_preloaded and env.get("PYTHONPATH") == str(ROOT) else []


class Forked:
    """A fork, in a session of its own, with what is used of a subprocess.Popen."""

    def __init__(
        self, words: Sequence[str], environment: Mapping[str, str], folder: Path, files: Sequence[IO[bytes]]
    ) -> None:
        self.returncode: int | None = None
        self._told = _preloaded().fork(words, environment, folder, files)
        self.pid = int(self._line(None) or 0)

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once it has ended. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            line = self._line(timeout)
            self.returncode = int(line) if line else _ENDED_BADLY
            self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _line(self, timeout: float | None) -> bytes:
        """Return the next number that is told."""
        self._told.settimeout(timeout)
        try:
            return self._told.recv(NUMBER_BYTES)
        except (TimeoutError, BlockingIOError) as error:
            raise subprocess.TimeoutExpired("a fork", timeout or 0) from error


class _Preloaded:
    """The process that forks; it ends with this one, whose socket is then closed."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        home = tempfile.TemporaryDirectory()
        atexit.register(self._stop, home)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "AWS_"))}
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "tests.support.preloaded_process", str(theirs.fileno())],
                env=inherited | prefect_settings(Path(home.name)),
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def fork(
        self, words: Sequence[str], environment: Mapping[str, str], folder: Path, files: Sequence[IO[bytes]]
    ) -> socket.socket:
        """Fork a command with these standard files; return a socket that tells its id, and then its exit code."""
        request = {"words": list(words), "environment": dict(environment), "folder": str(folder)}
        body = json.dumps(request).encode()
        mine, theirs = socket.socketpair()
        with theirs:
            numbers = [*(file.fileno() for file in files), theirs.fileno()]
            socket.send_fds(self._control, [len(body).to_bytes(HEAD_BYTES, "big")], numbers)
            self._control.sendall(body)
        return mine

    def _stop(self, home: tempfile.TemporaryDirectory[str]) -> None:
        self._control.close()
        self._process.wait()
        home.cleanup()


@cache
def _preloaded() -> _Preloaded:
    return _Preloaded()


@pytest.fixture(scope="session", autouse=True)
def forks() -> Iterator[None]:
    """Let every sandbox of the tests start its Prefect server and workers, and its commands, as forks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Child, "popen", staticmethod(popen))
        patch.setattr(processes, "run", run)
        yield


@contextmanager
def no_forks() -> Iterator[None]:
    """Start processes as a shell does, for what tells a sandbox's processes by their command lines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Child, "popen", subprocess.Popen)
        yield


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
