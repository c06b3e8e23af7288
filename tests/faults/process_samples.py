"""Samples of the memory and open files of a sandbox's processes, and the leaks that they show."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from rich.table import Table

from deployments.sandbox.sandbox import Sandbox
from tests.faults import processes

MAX_MEMORY_GROWTH = 1.0  # MB a minute over the second half; a leak per event shows more
MAX_FILE_GROWTH = 1.0  # open files a minute; fewer are open during an outage, which may lie at half time
PARTS = 5  # of the second half: a leak grows in most of them, a backlog after an outage in one
MIN_MINUTES = 5.0  # that the second half must last; growth in a shorter time is that of warming up


@dataclass(frozen=True)
class Sample:
    """One process at one moment."""

    minute: float
    memory: float  # MB
    files: int


@dataclass
class ProcessSamples:
    """Every sample, by process; a process that was started anew is another one."""

    began: float = field(default_factory=time.monotonic)
    by_process: dict[str, list[Sample]] = field(default_factory=dict)

    def take(self, sandbox: Sandbox) -> None:
        """Take a sample of every process of the sandbox, and of the bridge, which the emulator has started."""
        minute = (time.monotonic() - self.began) / 60
        pids = {f"{name} ({child.pid})": child.pid for name, child in tuple(sandbox.children.items())}
        emulator = sandbox.children["emulator"].pid
        pids |= {f"bridge ({pid})": pid for pid in processes.descendants(emulator)}
        for name, pid in pids.items():
            if memory := processes.memory(pid):
                sample = Sample(round(minute, 2), round(memory, 1), processes.open_files(pid))
                self.by_process.setdefault(name, []).append(sample)

    def leaks(self) -> list[str]:
        """Describe the workers and bridges whose memory or number of open files grows steadily."""
        found = []
        for name, samples in self.by_process.items():
            half = samples[len(samples) // 2 :]
            if not name.startswith(("worker", "bridge")) or half[-1].minute - half[0].minute < MIN_MINUTES:
                continue
            if (grows := memory_growth(half)) > MAX_MEMORY_GROWTH:
                found.append(f"{name} grows by {grows:.1f} MB a minute")
            if (grows := file_growth(half)) > MAX_FILE_GROWTH:
                found.append(f"{name} has {half[-1].files} files open, {grows:.1f} more each minute")
        return found

    def table(self) -> Table:
        """Return first, most and last of each process."""
        shown = Table(title="processes")
        for heading in (
            "process",
            "minutes",
            "MB first",
            "most",
            "last",
            "MB a minute",
            "files first",
            "most",
            "last",
        ):
            shown.add_column(heading)
        for name, samples in self.by_process.items():
            memory, files = [each.memory for each in samples], [each.files for each in samples]
            minutes = samples[-1].minute - samples[0].minute
            grows = f"{memory_growth(samples[len(samples) // 2 :]):.1f}"
            figures = (memory[0], max(memory), memory[-1], grows, files[0], max(files), files[-1])
            shown.add_row(name, f"{minutes:.1f}", *map(str, figures))
        shown.caption = f"MB a minute: the median of {PARTS} parts of the second half"
        return shown


def memory_growth(samples: list[Sample]) -> float:
    """Return the growth of memory in MB a minute."""
    return _growth([(each.minute, each.memory) for each in samples])


def file_growth(samples: list[Sample]) -> float:
    """Return how many more files are open each minute."""
    return _growth([(each.minute, each.files) for each in samples])


def _growth(values: list[tuple[float, float]]) -> float:
    """Return the median growth a minute of PARTS parts: a single step counts in one of them only."""
    bounds = [values[(len(values) - 1) * number // PARTS] for number in range(PARTS + 1)]
    rates = [
        (value - before) / (minute - earlier)
        for (earlier, before), (minute, value) in pairwise(bounds)
        if minute > earlier
    ]
    return median(rates or [0.0])
