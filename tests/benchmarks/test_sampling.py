"""Shares of stack samples, and samples of a real process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.sampling import Sampler, shares

PARTS = (("ours", ("tasks/",)), ("theirs", ("prefect/",)))
REST = "Python and what is not named here"


def test_the_innermost_frame_of_a_part_counts() -> None:
    """A library's frame counts for the part that called it; frames of no part have a share of their own."""
    stacks = [
        (["run (prefect/engine.py:1)", "save (tasks/save.py:3)", "dumps (json/__init__.py:9)"], 6),
        (["save (tasks/save.py:3)", "log (prefect/logging.py:2)"], 3),
        (["main (threading.py:1)"], 1),
    ]

    assert shares(stacks, PARTS) == {"ours": 0.6, "theirs": 0.3, REST: 0.1}


@pytest.mark.bench
@pytest.mark.long
def test_a_running_process_is_sampled(tmp_path: Path) -> None:
    """The function in which a process spends its time is in nearly all of its samples."""
    code = "def busy():\n while True: sum(range(1000))\nbusy()"
    child = subprocess.Popen([sys.executable, "-c", code])  # noqa: S603 - our own code
    try:
        with Sampler(child.pid, tmp_path / "stacks") as sampler:
            time.sleep(3)
    finally:
        child.kill()
        child.wait()
    busy = sum(count for frames, count in sampler.stacks if any("busy" in frame for frame in frames))
    assert busy > 0.9 * sum(count for _, count in sampler.stacks) > 0
