"""Child processes: each in a group of its own, its output in a file, stopped by its id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_STOP_SECONDS = 15.0
_POLL = 0.05
_TAIL = 15  # lines of a log that an error quotes
_OURS = ("deployments.sandbox", "prefect")  # one of them is in each child's command line


class SandboxError(Exception):
    """Part of the sandbox did not start, or died; says which, and where its log is."""


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def note(file: Path, child: Child) -> None:
    """Write a child's process id and name down, for whoever comes after a sandbox that was killed."""
    with file.open("a", encoding="utf-8") as notes:
        notes.write(f"{child.pid} {child.name}\n")


def left_behind(file: Path) -> dict[int, str]:
    """The children of a former sandbox that still run, by process id; none where there is no /proc."""
    if not file.exists():
        return {}
    noted = (line.partition(" ") for line in file.read_text(encoding="utf-8").splitlines())
    return {int(pid): name for pid, _, name in noted if _is_ours(pid)}


def _is_ours(pid: str) -> bool:
    """Whether the process runs and is one of a sandbox's: an id is given to another one in time."""
    try:
        words = (Path("/proc") / pid / "cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(word in words for word in _OURS)


class Child:
    """One process and everything that it starts."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self.process.pid

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def await_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready`. Raises SandboxError when the process ends before, or time does."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive():
                raise SandboxError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise SandboxError(f"{self.name} was not ready within {seconds:.0f} s:\n{self.tail()}")
            time.sleep(_POLL)

    def tail(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-_TAIL:]
        return "\n".join([f"  {line}" for line in lines] + [f"  (all of it: {self.log})"])

    def signal(self, number: int) -> None:
        """Send a signal to the process and what it started; nothing if it has ended."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    def stop(self, seconds: float = _STOP_SECONDS) -> None:
        """Ask it to end, then make it; also what it left behind in its group."""
        if self.alive():
            self.signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        self.signal(signal.SIGKILL)
        self.process.wait()
