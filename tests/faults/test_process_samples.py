"""Steady growth of memory and open files is reported as a leak; a single step and an outage are not."""

from __future__ import annotations

import os
import subprocess
import sys
from subprocess import PIPE

import pytest

from tests.faults import processes
from tests.faults.process_samples import ProcessSamples, Sample, memory_growth

CHILD = """
import os, sys
memory = b"x" * 50_000_000
print("allocated", flush=True)
sys.stdin.readline()
file = open(os.devnull, "rb")
print("opened", flush=True)
sys.stdin.readline()
"""


def growing(memory: float, files: int = 0, until: int = 20) -> list[Sample]:
    """Return twenty minutes of a process that grows by so many MB and files a minute, its memory until a minute."""
    return [Sample(minute, 200 + memory * min(minute, until), 50 + files * minute) for minute in range(20)]


def stepped(memory: float, step: float) -> list[Sample]:
    """Return the same with a step at 13 minutes: a backlog was worked off, and its memory stays allocated."""
    return [
        Sample(each.minute, each.memory + step * (each.minute >= 13), each.files) for each in growing(memory)
    ]


def outage() -> list[Sample]:
    """Return a measured outage: few files around half time, then more of them while the backlog is worked off."""
    files = [47] * 8 + [38] * 7 + [49, 55, 65, 69, 59]
    return [Sample(minute, 200, count) for minute, count in enumerate(files)]


def test_growth_does_not_count_a_single_step() -> None:
    """Growth is in MB a minute, with or without a step; two samples are enough, one is not."""
    assert memory_growth(growing(3)) == pytest.approx(3)
    assert memory_growth(growing(0)) == 0
    assert memory_growth(stepped(0, 40)) == 0
    assert memory_growth(stepped(2, 40)) == pytest.approx(2)
    assert memory_growth(growing(3)[:2]) == pytest.approx(3)
    assert memory_growth(growing(3)[:1]) == 0


@pytest.mark.parametrize(
    ("name", "samples", "leaks"),
    [
        ("worker 1 (7)", growing(3), ["worker 1 (7) grows by 3.0 MB a minute"]),
        ("worker 1 (7)", growing(30, until=8), []),
        ("worker 1 (7)", stepped(0, 40), []),
        ("bridge (9)", growing(0, files=5), ["bridge (9) has 145 files open, 5.0 more each minute"]),
        ("worker 1 (7)", outage(), []),
        ("prefect (8)", growing(30, files=5), []),
    ],
)
def test_steady_growth_after_the_warm_up_is_a_leak(
    name: str, samples: list[Sample], leaks: list[str]
) -> None:
    """Workers and bridges may not grow steadily; Prefect's server is shown, but not judged."""
    assert ProcessSamples(by_process={name: samples}).leaks() == leaks


def test_processes_are_read_from_proc() -> None:
    """Open files, memory and descendants of a process are found; a process that has ended has none."""
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=PIPE, stdout=PIPE, text=True) as child:  # noqa: S603
        assert child.stdin
        assert child.stdout
        try:
            assert child.stdout.readline() == "allocated\n"
            assert child.pid in processes.descendants(os.getpid())
            assert processes.memory(child.pid) >= 50
            before = processes.open_files(child.pid)
            child.stdin.write("\n")
            child.stdin.flush()
            assert child.stdout.readline() == "opened\n"
            assert processes.open_files(child.pid) == before + 1
        finally:
            child.kill()
    assert (processes.memory(child.pid), processes.open_files(child.pid)) == (0, 0)
