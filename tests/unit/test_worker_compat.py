"""The warm worker with a Prefect that it was not made for: it says so in one line, before it does anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.worker import compat

# A Prefect that differs, and then what `prefect worker start` does once it knows the pool's type.
_START = """
import sys
{difference}
from deployments.worker.worker import InteractionsWorker
InteractionsWorker("interactions", limit=1)
print("started")
"""


def _start(difference: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", _START.format(difference=difference)],
        env=os.environ | {"PREFECT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("difference", "told"),
    [
        (
            "import prefect.flow_engine as engine; del engine.AsyncFlowRunEngine.handle_crash",
            "AsyncFlowRunEngine.handle_crash is missing",
        ),
        (
            "import prefect.flow_engine as engine; del engine.AsyncFlowRunEngine",
            "cannot import name 'AsyncFlowRunEngine' from 'prefect.flow_engine'",
        ),
        (
            "from prefect.workers.base import BaseWorker; BaseWorker.run = lambda self, flow_run: None",
            "BaseWorker.run takes (self, flow_run), not (self, flow_run, configuration, task_status)",
        ),
    ],
)
def test_a_prefect_that_differs_is_told_in_one_line(difference: str, told: str, tmp_path: Path) -> None:
    """A name that is missing, or that takes other parameters, ends the worker with exit code 2."""
    ended = _start(difference, tmp_path)
    (line,) = [line for line in ended.stderr.splitlines() if "made for Prefect" in line]
    assert (ended.returncode, ended.stdout) == (2, "")
    assert line.startswith(f"the warm worker was made for Prefect {compat.MADE_FOR}, this is ")
    assert told in line


def test_the_pinned_prefect_has_every_name() -> None:
    """The version in requirements.in is the one that the worker was made for, and nothing is missing in it."""
    requirements = (Path(__file__).parents[2] / "requirements.in").read_text().splitlines()
    assert f"prefect=={compat.MADE_FOR}" in requirements
    assert compat.differences() == []
