"""How `pytest -n` gives files to its processes: those that wait for servers first, and the sandbox to half of them.

A file of minutes that comes last is waited for by all processes, and each process that has a sandbox starts it.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xdist.workermanage import WorkerController

FOLDERS = ("integration", "fundamentals", "infra", "faults", "benchmarks", "documents", "unit")
"""Folders of tests, the slow ones first."""
ROOT = Path(__file__).parents[2]
_SANDBOX = re.compile(r"\b(driver: SandboxDriver|sandbox: Sandbox)\b")


class SlowFirst(LoadFileScheduling):
    """Gives whole files to processes: to the first half those that use the sandbox, as long as there are some."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        """Give a process its next file."""
        has_sandbox = self.nodes.index(node) < (len(self.nodes) + 1) // 2
        self.workqueue.move_to_end(next_file(self.workqueue, has_sandbox=has_sandbox), last=False)
        super()._assign_work_unit(node)


def next_file(files: Iterable[str], *, has_sandbox: bool) -> str:
    """Return the next file for a process that has a sandbox, or that should not have to start one."""
    return min(files, key=lambda file: (uses_sandbox(file) != has_sandbox, _folder(file)))


@cache
def uses_sandbox(file: str) -> bool:
    """Return whether a test of the file has the session's sandbox among its parameters."""
    return bool(_SANDBOX.search((ROOT / file).read_text(encoding="utf-8")))


def _folder(file: str) -> int:
    name = Path(file).parts[1]
    return FOLDERS.index(name) if name in FOLDERS else len(FOLDERS)
