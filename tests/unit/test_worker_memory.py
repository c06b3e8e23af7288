"""The worker's memory after bursts of large buffers."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

# One large answer first, for glibc learns from it; then a hundred of half a megabyte, each with a little that stays.
_ANSWERS = """
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

# A small file first, for what Arrow makes once; then one of 40 MB, written and read.
_PUBLISH = """
import io, sys, time
from deployments.worker.memory import give_large_buffers_back
if sys.argv[1] == "yes":
    give_large_buffers_back()
import pyarrow, pyarrow.parquet

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def publish(rows):
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"a": pyarrow.array([b"x" * 200] * rows)}), file)
    pyarrow.parquet.read_table(file)
    while pyarrow.total_allocated_bytes():  # its threads free the last buffer a moment later
        time.sleep(0.01)

publish(1_000)
before = resident()
publish(200_000)
print(resident() - before)
"""


def _left_over(burst: str, given_back: str) -> int:
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    command = [sys.executable, "-c", burst, given_back]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do not learn such a bound")
@pytest.mark.parametrize("burst", [_ANSWERS, _PUBLISH], ids=["answers", "publish"])
def test_large_buffers_go_back_to_the_system(burst: str) -> None:
    """After a burst the process is about as large as before it; without that it is not."""
    assert _left_over(burst, "yes") < 4_000_000 < _left_over(burst, "no")
