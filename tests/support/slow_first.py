"""The order in which `pytest -n` gives files to its processes: those that wait for servers first.

A file of minutes that comes last is waited for by all processes.
"""

from __future__ import annotations

from pathlib import Path

FOLDERS = ("integration", "fundamentals", "infra", "faults", "benchmarks", "documents", "unit")
"""Folders of tests, the slow ones first."""
TESTS = Path(__file__).parents[1]


def place(file: Path) -> int:
    """Return the place of a test file's folder in the order."""
    folder = file.relative_to(TESTS).parts[0]
    return FOLDERS.index(folder) if folder in FOLDERS else len(FOLDERS)
