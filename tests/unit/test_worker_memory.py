"""The worker's memory after bursts of large buffers."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# One large answer first, for glibc learns from it; then a hundred of half a megabyte, each with a little that stays.
_BURST = """
import sys
from deployments.worker.memory import give_large_buffers_back
if sys.argv[1] == "yes":
    give_large_buffers_back()

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

bytearray(20_000_000)
before = resident()
pairs = [(bytearray(b"x" * 500_000), bytearray(b"x" * 2_000)) for _ in range(100)]
kept = [small for _, small in pairs]
del pairs
print(resident() - before)
"""


def _left_over(given_back: str) -> int:
    burst = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", _BURST, given_back], capture_output=True, text=True, check=True
    )
    return int(burst.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do not learn such a bound")
def test_large_buffers_go_back_to_the_system() -> None:
    """After a burst the process is about as large as before it; without that it is not."""
    assert _left_over("yes") < 4_000_000 < _left_over("no")
