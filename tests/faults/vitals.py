"""Memory and open files of a sandbox's processes, looked at again and again, and what to make of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Literal

from rich.table import Table

from deployments.sandbox.stack import Sandbox
from tests.faults import processes

GROWTH = 1.0  # MB a minute that a process of ours may grow over the second half; a leak per event shows more
PARTS = 5  # of the second half: what grows in most of them leaks; one step, as after an outage's backlog, does not
FILES = 1.0  # descriptors a minute, likewise: during an outage it has few, and half time may lie in one
SPAN = 5.0  # minutes that the second half must last; a shorter rise is that of warming up


@dataclass(frozen=True)
class Look:
    """One process at one moment."""

    minute: float
    memory: float  # MB
    files: int


@dataclass
class Vitals:
    """Every look, by process; a process that was started anew is another one."""

    began: float = field(default_factory=time.monotonic)
    looks: dict[str, list[Look]] = field(default_factory=dict)

    def look(self, sandbox: Sandbox) -> None:
        """Look at every process, and at the bridge, which the emulator has started."""
        minute = (time.monotonic() - self.began) / 60
        pids = {f"{name} ({child.pid})": child.pid for name, child in tuple(sandbox.children.items())}
        emulator = sandbox.children["emulator"].pid
        pids |= {f"bridge ({pid})": pid for pid in processes.descendants(emulator)}
        for name, pid in pids.items():
            if memory := processes.memory(pid):
                found = Look(round(minute, 2), round(memory, 1), processes.open_files(pid))
                self.looks.setdefault(name, []).append(found)

    def wrong(self) -> list[str]:
        """The workers and bridges that grow steadily, or hold more and more files open."""
        found = []
        for name, looks in self.looks.items():
            half = looks[len(looks) // 2 :]
            if not name.startswith(("worker", "bridge")) or half[-1].minute - half[0].minute < SPAN:
                continue
            if (grows := growth(half)) > GROWTH:
                found.append(f"{name} grows by {grows:.1f} MB a minute")
            if (opens := growth(half, "files")) > FILES:
                found.append(f"{name} has {half[-1].files} files open, {opens:.1f} more each minute")
        return found

    def table(self) -> Table:
        """First, most and last of each process."""
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
        for name, looks in self.looks.items():
            memory, files = [look.memory for look in looks], [look.files for look in looks]
            minutes = looks[-1].minute - looks[0].minute
            grows = f"{growth(looks[len(looks) // 2 :]):.1f}"
            figures = (memory[0], max(memory), memory[-1], grows, files[0], max(files), files[-1])
            shown.add_row(name, f"{minutes:.1f}", *map(str, figures))
        shown.caption = f"MB a minute: the median of {PARTS} parts of the second half"
        return shown


def growth(looks: list[Look], of: Literal["memory", "files"] = "memory") -> float:
    """Growth a minute: the median of some parts, so that it tells steady growth from a step."""
    seams = [looks[(len(looks) - 1) * number // PARTS] for number in range(PARTS + 1)]
    pairs = [(one, other) for one, other in pairwise(seams) if other.minute > one.minute]
    rates = [(getattr(other, of) - getattr(one, of)) / (other.minute - one.minute) for one, other in pairs]
    return median(rates or [0.0])
