"""Stack samples of a Python process, taken by py-spy from outside, and their shares by part of the code."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

_SAMPLES_A_SECOND = 100
_MAX_SECONDS = 900
_STOP_SECONDS = 60.0

CodeParts = Sequence[tuple[str, tuple[str, ...]]]
"""Names of parts, each with the prefixes of its files' paths."""


class Sampler:
    """Samples one process while the context lasts, only threads that hold the GIL: waiting does not count."""

    def __init__(self, pid: int, result: Path) -> None:
        self._pid, self._result = pid, result
        self.stacks: list[tuple[list[str], int]] = []

    def __enter__(self) -> Self:
        """Start sampling."""
        program = Path(sys.executable).with_name("py-spy")
        options = ["record", "--gil", "--nonblocking", "--format", "raw"]
        options += f"--rate {_SAMPLES_A_SECOND} --duration {_MAX_SECONDS}".split()
        self._process = subprocess.Popen(  # noqa: S603 - our own tool
            [program, *options, "--output", self._result, "--pid", str(self._pid)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)  # it writes its samples
        try:
            errors = self._process.communicate(timeout=_STOP_SECONDS)[1]
        finally:
            self._process.kill()
        if not self._result.exists():
            raise RuntimeError(f"py-spy could not trace process {self._pid}: {errors.decode()}")
        self.stacks = list(_read(self._result.read_text()))


def _read(text: str) -> Iterable[tuple[list[str], int]]:
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        yield stack.split(";"), int(count)


def shares(stacks: Iterable[tuple[list[str], int]], parts: CodeParts) -> dict[str, float]:
    """Return each part's share of the samples, the largest first; the innermost frame of a part counts."""
    found: Counter[str] = Counter()
    for frames, count in stacks:
        found[_part(frames, parts)] += count
    total = found.total()
    return {name: count / total for name, count in found.most_common()}


def _part(frames: Iterable[str], parts: CodeParts) -> str:
    for frame in reversed(list(frames)):
        for name, paths in parts:
            if any(f"({path}" in frame for path in paths):
                return name
    return "Python and what is not named here"
