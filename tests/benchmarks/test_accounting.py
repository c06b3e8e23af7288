"""CPU and memory of a process tree include running children, ended children and orphans."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.benchmarks.accounting import PeakMemory, ProcessStat, cpu, memory, process_tree, resident

_BURN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"


def test_a_line_of_proc_is_parsed_whatever_the_command_is_called() -> None:
    """CPU time is user and system time, with that of the children that were waited for."""
    numbers = "S 7 7 9 0 -1 0 0 0 0 0 100 20 3 4 20 0"
    stat = ProcessStat.parse(f"42 (a) b (c) {numbers}")
    ticks = os.sysconf("SC_CLK_TCK")
    assert stat == ProcessStat(pid=42, parent=7, session=9, cpu=127 / ticks)


def test_a_tree_has_descendants_and_orphans_of_its_sessions() -> None:
    """A grandchild and an orphan of the session belong to the tree, another process does not."""
    stats = [
        ProcessStat(10, 1, 10, 0.0),
        ProcessStat(11, 10, 11, 0.0),
        ProcessStat(12, 11, 11, 0.0),
        ProcessStat(13, 1, 10, 0.0),
        ProcessStat(14, 1, 14, 0.0),
    ]
    assert {stat.pid for stat in process_tree([10], stats)} == {10, 11, 12, 13}


def test_the_cpu_time_of_an_ended_child_is_counted() -> None:
    """The CPU time of a process includes that of a child that it has waited for."""
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
    """This process holds memory; no process holds none."""
    with PeakMemory(own=[os.getpid()], nobody=[]) as peak:
        assert memory([os.getpid()]) > 0
        assert resident(os.getpid()) > 0
    assert peak.most["own"] > 0
    assert peak.most["nobody"] == 0
