"""The simulator as a child process, for tests and benchmarks."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STOP_SECONDS = 5


@contextmanager
def running(*arguments: str, port: int = 0) -> Iterator[str]:
    """Run `python -m deployments.sandbox.genesys` with these arguments; yield its address. Raises RuntimeError."""
    command = [sys.executable, "-m", "deployments.sandbox.genesys", "--port", str(port), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
    try:
        address = process.stdout.readline().strip() if process.stdout else ""
        if not address:
            raise RuntimeError(
                f"the Genesys simulator did not start: exit status {process.wait(STOP_SECONDS)}"
            )
        yield address
    finally:
        stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    """Terminate the process; kill it after STOP_SECONDS."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
