"""CPU-seconds and memory of process trees, from /proc."""

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
_EVERY = 0.5  # seconds between two samples of the memory: one costs a millisecond a process


@dataclass(frozen=True)
class ProcessStat:
    """One line of /proc/<pid>/stat; `cpu` includes user and system time of the children it waited for."""

    pid: int
    parent: int
    session: int
    cpu: float

    @classmethod
    def parse(cls, text: str) -> ProcessStat:
        """Parse the line; the command in parentheses may contain any text, parentheses included."""
        head, _, tail = text.rpartition(")")
        fields = tail.split()
        cpu = sum(int(each) for each in fields[11:15]) / _TICKS
        return cls(int(head.split(" ", 1)[0]), int(fields[1]), int(fields[3]), cpu)


def process_tree(roots: Iterable[int], stats: Iterable[ProcessStat]) -> list[ProcessStat]:
    """Return the roots, their descendants, and all other processes of their sessions."""
    known = {stat.pid: stat for stat in stats}
    ours = set(roots)
    added = True
    while added:
        more = {s.pid for s in known.values() if s.parent in ours or s.session in ours} - ours
        ours |= more
        added = bool(more)
    return [known[pid] for pid in ours if pid in known]


def processes() -> list[ProcessStat]:
    """Return every process of the machine."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                found.append(ProcessStat.parse((entry / "stat").read_text(errors="replace")))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def cpu(roots: Iterable[int]) -> float:
    """Return the CPU-seconds, user and system, that the trees have used since their start."""
    return sum(stat.cpu for stat in process_tree(roots, processes()))


def memory(roots: Iterable[int]) -> float:
    """Return the megabytes that the trees hold now; a page that several processes share counts once (PSS)."""
    return sum(_pss(stat.pid) for stat in process_tree(roots, processes()))


def resident(pid: int) -> float:
    """Return the resident megabytes of one process (RSS)."""
    return int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE_MB


def _pss(pid: int) -> float:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    except (OSError, StopIteration):
        return 0.0


class PeakMemory:
    """The most memory that some trees held at once while the context lasted."""

    def __init__(self, **roots: Iterable[int]) -> None:
        self._roots = {name: list(pids) for name, pids in roots.items()}
        self.most = dict.fromkeys(roots, 0.0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample_often, daemon=True)

    def __enter__(self) -> Self:
        """Start sampling."""
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._sample()

    def _sample_often(self) -> None:
        while not self._over.wait(_EVERY):
            self._sample()

    def _sample(self) -> None:
        for name, roots in self._roots.items():
            self.most[name] = max(self.most[name], memory(roots))
