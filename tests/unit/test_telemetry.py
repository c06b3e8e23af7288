"""Prefect's client reports its use to a host of its maker's unless it is told not to: every entry point tells it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ENTRY_POINTS = [
    "deployments.cli.__main__",
    "deployments.sandbox.__main__",
    "deployments.worker.worker",
    "infra.cli",
    "flows.process_interactions",
]
WATCH = """
import importlib, os, sys

class Watch:
    def find_spec(self, name, *_):
        if name == "prefect":
            print("prefect", os.environ.get("DO_NOT_TRACK"))

sys.meta_path.insert(0, Watch())
importlib.import_module(sys.argv[1])
print("then", os.environ.get("DO_NOT_TRACK"))
"""


def seen(module: str, **environment: str) -> set[str]:
    """Return what DO_NOT_TRACK was when Prefect was first imported, and after the module was."""
    clean = {name: value for name, value in os.environ.items() if name not in ("DO_NOT_TRACK", "CI")}
    command = [sys.executable, "-c", WATCH, module]
    done = subprocess.run(  # noqa: S603 - this test's own script
        command, env=clean | environment, capture_output=True, text=True, timeout=120, check=True
    )
    return {line.split()[1] for line in done.stdout.splitlines()}


@pytest.mark.parametrize("module", ENTRY_POINTS)
def test_telemetry_is_off_before_prefect_is_imported(module: str) -> None:
    """At its import Prefect may already report it, and after the first flow run it does."""
    assert seen(module) == {"1"}


def test_whoever_wants_telemetry_has_it() -> None:
    """A variable that is set stays."""
    assert seen("tasks.save", DO_NOT_TRACK="0") == {"0"}
