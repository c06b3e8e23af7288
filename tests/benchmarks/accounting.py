"""What a process and everything it started has used, from /proc: CPU-seconds and memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20
_PROC = Path("/proc")
_EVERY = 0.5  # seconds between two looks at the memory: one costs a millisecond a process


@dataclass(frozen=True)
class Stat:
    """One line of /proc/<pid>/stat; `cpu` holds the user and system time of the children it waited for, too."""

    pid: int
    parent: int
    session: int
    cpu: float

    @classmethod
    def parse(cls, text: str) -> Stat:
        """Read the line; the command in parentheses may hold anything, parentheses included."""
        head, _, tail = text.rpartition(")")
        fields = tail.split()
        cpu = sum(int(each) for each in fields[11:15]) / _TICKS
        return cls(int(head.split(" ", 1)[0]), int(fields[1]), int(fields[3]), cpu)


def tree(roots: Iterable[int], stats: Iterable[Stat]) -> list[Stat]:
    """The roots' processes, what descends from them, and what is left in their sessions."""
    known = {stat.pid: stat for stat in stats}
    ours = set(roots)
    grown = True
    while grown:
        more = {s.pid for s in known.values() if s.parent in ours or s.session in ours} - ours
        ours |= more
        grown = bool(more)
    return [known[pid] for pid in ours if pid in known]


def processes() -> list[Stat]:
    """Every process of the machine."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                found.append(Stat.parse((entry / "stat").read_text(errors="replace")))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def cpu(roots: Iterable[int]) -> float:
    """CPU-seconds, user and system, that the trees have used since they began."""
    return sum(stat.cpu for stat in tree(roots, processes()))


def memory(roots: Iterable[int]) -> float:
    """Megabytes that the trees hold now; a page that several processes share counts once (PSS)."""
    return sum(_held(stat.pid) for stat in tree(roots, processes()))


def resident(pid: int) -> float:
    """Megabytes of one process that are in memory (RSS)."""
    return int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE_MB


def _held(pid: int) -> float:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    except (OSError, StopIteration):
        return 0.0


class Peak:
    """The most memory that some trees held at once, while the context lasts."""

    def __init__(self, **roots: Iterable[int]) -> None:
        self._roots = {name: list(pids) for name, pids in roots.items()}
        self.most = dict.fromkeys(roots, 0.0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(_EVERY):
            self._look()

    def _look(self) -> None:
        for name, roots in self._roots.items():
            self.most[name] = max(self.most[name], memory(roots))
