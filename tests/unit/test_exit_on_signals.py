"""A program of the sandbox that is asked to end, and asked again while it stops what it started."""

from __future__ import annotations

import signal
import subprocess
import sys
from itertools import product

import pytest

_PROGRAM = """
import sys
from deployments.sandbox.termination import exit_on_signals
with exit_on_signals():
    try:
        print("begun", flush=True)
        sys.stdin.readline()
    finally:
        print("stopping", flush=True)
        sys.stdin.readline()
        print("stopped", flush=True)
"""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize(("first", "second"), list(product(_SIGNALS, _SIGNALS)))
def test_a_second_signal_leaves_nothing_behind(first: signal.Signals, second: signal.Signals) -> None:
    """What was started is stopped to the end; the exit code tells of the first signal."""
    program = [sys.executable, "-c", _PROGRAM]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603
        assert running.stdout is not None
        assert running.stdout.readline() == "begun\n"
        running.send_signal(first)
        assert running.stdout.readline() == "stopping\n"
        running.send_signal(second)
        out, _ = running.communicate("go on\n", timeout=180)
    assert (out, running.returncode) == ("stopped\n", 128 + first)
