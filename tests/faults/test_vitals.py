"""What a long run makes of memory and open files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults import processes
from tests.faults.vitals import Look, Vitals, growth


def looks(grows: float, files: int = 0, settles: int = 0) -> list[Look]:
    """Twenty minutes of a process that grows by so many MB a minute, until it settles if it does."""
    last = settles or 20
    return [Look(minute, 200 + grows * min(minute, last), 50 + files * minute) for minute in range(20)]


def stepped(grows: float, step: float) -> list[Look]:
    """The same, with a step at 13 minutes: a backlog is worked off, and the memory for it stays."""
    return [Look(each.minute, each.memory + step * (each.minute >= 13), each.files) for each in looks(grows)]


def outage() -> list[Look]:
    """As measured: few files during the outage in which half time lies, more of them while its backlog is done."""
    files = [47] * 8 + [38] * 7 + [49, 55, 65, 69, 59]
    return [Look(minute, 200, count) for minute, count in enumerate(files)]


def test_growth_is_what_goes_on_and_no_step() -> None:
    """Megabytes a minute, whatever the one step in it; a few looks are enough."""
    assert growth(looks(3)) == pytest.approx(3)
    assert growth(looks(0)) == 0
    assert growth(stepped(0, 40)) == 0
    assert growth(stepped(2, 40)) == pytest.approx(2)
    assert growth(looks(3)[:2]) == pytest.approx(3)
    assert growth(looks(3)[:1]) == 0


@pytest.mark.parametrize(
    ("name", "found", "wrong"),
    [
        ("worker 1 (7)", looks(3), ["worker 1 (7) grows by 3.0 MB a minute"]),
        ("worker 1 (7)", looks(30, settles=8), []),
        ("worker 1 (7)", stepped(0, 40), []),
        ("bridge (9)", looks(0, files=5), ["bridge (9) has 145 files open, 5.0 more each minute"]),
        ("worker 1 (7)", outage(), []),
        ("prefect (8)", looks(30, files=5), []),
    ],
)
def test_what_grows_after_it_is_warm_is_wrong(name: str, found: list[Look], wrong: list[str]) -> None:
    """Our own processes may not grow steadily; the server is shown, and is no part of the verdict."""
    assert Vitals(looks={name: found}).wrong() == wrong


def test_a_process_is_seen_as_it_is() -> None:
    """What a process holds, and what it has started, are found; what has ended holds nothing."""
    mine = os.getpid()
    before = processes.open_files(mine)
    with Path(os.devnull).open("rb"):
        assert processes.open_files(mine) == before + 1
    child = subprocess.Popen([sys.executable, "-c", "import time; x = b'x' * 50_000_000; time.sleep(30)"])
    try:
        assert child.pid in processes.descendants(mine)
        deadline = time.monotonic() + 20
        while processes.memory(child.pid) < 50:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        child.kill()
        child.wait()
    assert (processes.memory(child.pid), processes.open_files(child.pid)) == (0, 0)
