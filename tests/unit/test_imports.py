"""Importing the project reads no setting: what is wrong in the environment shows when a run starts."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys

import flows
import tasks

WRONG = (
    "TASK_TIMEOUT",
    "FLOW_TIMEOUT",
    "BACKGROUND_TIMEOUT",
    "RETRY_SCALE",
    "DEFERRAL_DELAYS",
    "SETTLE_DELAYS",
)


def test_importing_reads_no_setting() -> None:
    """With nonsense in every variable that a task or flow uses, all modules of flows and tasks can be imported."""
    names = [
        module.name
        for package in (flows, tasks)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    done = subprocess.run(  # noqa: S603 - our own modules
        [sys.executable, "-c", "\n".join(f"import {name}" for name in names)],
        env=os.environ | dict.fromkeys(WRONG, "nonsense"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
