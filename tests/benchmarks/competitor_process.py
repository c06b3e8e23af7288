"""The process of a competitor: it loads a burst, starts on a command, and reports when it is done.

Its imports and first connections are not measured; its output goes to a log.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

_STOP_SECONDS = 15.0


def serve_bursts(perform: Callable[[list[str]], None]) -> None:
    """Serve in the process: perform the bursts that standard input names, until it ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answers.write("ready\n")
    burst: list[str] = []
    for line in sys.stdin:
        command = line.strip()
        if command == "go":
            perform(burst)
        else:
            burst = json.loads(Path(command).read_text())
        answers.write("done\n")


class CompetitorProcess:
    """The process, as the benchmark controls it."""

    def __init__(self, module: str, environment: Mapping[str, str], log: Path, python: str = "") -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._module = module
        self._log = log
        self._burst = log.with_suffix(".json")
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own modules
                [python or sys.executable, "-m", module],
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                start_new_session=True,
            )
        self._expect("ready")

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def load(self, events: list[str]) -> None:
        """Let the process read a burst."""
        self._burst.write_text(json.dumps(events))
        self._send(str(self._burst))
        self._expect("done")

    def start(self) -> None:
        """Start the burst."""
        self._send("go")

    def finish(self) -> None:
        """Wait until the burst is done; raises RuntimeError when the process has ended."""
        self._expect("done")

    def stop(self) -> None:
        """Stop the process."""
        with suppress(OSError):
            self._input.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._burst.unlink(missing_ok=True)

    @property
    def _input(self) -> IO[str]:
        return cast("IO[str]", self._process.stdin)

    def _send(self, line: str) -> None:
        self._input.write(line + "\n")
        self._input.flush()

    def _expect(self, word: str) -> None:
        answer: Any = cast("IO[str]", self._process.stdout).readline().strip()
        if answer != word:
            raise RuntimeError(f"{self._module} ended before it was {word}; its log is {self._log}")
