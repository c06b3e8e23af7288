"""What a process tree has used is counted whole: children that run, children that ended, what was left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.benchmarks.accounting import Peak, Stat, cpu, memory, resident, tree

_BURN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"


def test_a_line_of_proc_is_read_whatever_the_command_is_called() -> None:
    """User and system time count, and those of the children that were waited for."""
    numbers = "S 7 7 9 0 -1 0 0 0 0 0 100 20 3 4 20 0"
    stat = Stat.parse(f"42 (a) b (c) {numbers}")
    ticks = os.sysconf("SC_CLK_TCK")
    assert stat == Stat(pid=42, parent=7, session=9, cpu=127 / ticks)


def test_descendants_and_what_is_left_in_a_session_are_of_the_tree() -> None:
    """A grandchild counts, an orphan of the session counts, a stranger does not."""
    stats = [
        Stat(10, 1, 10, 0.0),
        Stat(11, 10, 11, 0.0),
        Stat(12, 11, 11, 0.0),
        Stat(13, 1, 10, 0.0),
        Stat(14, 1, 14, 0.0),
    ]
    assert {stat.pid for stat in tree([10], stats)} == {10, 11, 12, 13}


def test_the_work_of_a_child_that_has_ended_is_counted() -> None:
    """A process that only waits for another has used what the other did."""
    code = f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {_BURN!r}])\ntime.sleep(60)"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, start_new_session=True) as process:  # noqa: S603 - our own
        try:
            deadline = time.monotonic() + 30
            while cpu([process.pid]) < 0.3 and time.monotonic() < deadline:
                time.sleep(0.02)
            assert cpu([process.pid]) >= 0.3
        finally:
            os.killpg(process.pid, 9)


def test_memory_is_that_of_living_processes() -> None:
    """This process holds something, at most what is resident; one that is gone holds nothing."""
    with Peak(own=[os.getpid()], nobody=[]) as peak:
        assert memory([os.getpid()]) > 0
        assert resident(os.getpid()) > 0
    assert peak.most["own"] > 0
    assert peak.most["nobody"] == 0
