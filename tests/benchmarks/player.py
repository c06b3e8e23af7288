"""A competitor's own process: it gets ready, is given a burst, begins when told, and says when it is done.

What it imports and connects beforehand is not measured, and what it prints goes to its log.
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


def play(perform: Callable[[list[str]], None]) -> None:
    """Be the process: take bursts from standard input until it ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answers.write("ready\n")
    burst: list[str] = []
    for line in sys.stdin:
        order = line.strip()
        if order == "go":
            perform(burst)
        else:
            burst = json.loads(Path(order).read_text())
        answers.write("done\n")


class Player:
    """The process as the benchmark sees it."""

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
        """Hand over a burst, which the process only reads."""
        self._burst.write_text(json.dumps(events))
        self._say(str(self._burst))
        self._expect("done")

    def start(self) -> None:
        """Let it begin."""
        self._say("go")

    def finish(self) -> None:
        """Wait until it has done all of it; raises RuntimeError when it died."""
        self._expect("done")

    def stop(self) -> None:
        """End the process; nothing of it is left."""
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

    def _say(self, line: str) -> None:
        self._input.write(line + "\n")
        self._input.flush()

    def _expect(self, word: str) -> None:
        said: Any = cast("IO[str]", self._process.stdout).readline().strip()
        if said != word:
            raise RuntimeError(f"{self._module} ended before it was {word}; its log is {self._log}")
