"""Commands of the project with bad input: an environment without settings, and what their output must be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import boto3
import pytest

ROOT = Path(__file__).parents[2]
PREFIXES = (
    "CUSTOMER_",
    "AWS_",
    "INFRA_",
    "PREFECT_",
    "INTERACTIONS_",
    "WORKER_",
    "INTERACTION_",
    "QUARANTINE_",
    "CONVERSATION_",
    "ANALYTICS_",
    "DEAD_LETTER_",
)


class Ended(NamedTuple):
    """Exit code and output of a command."""

    code: int
    said: str


def refused(ended: Ended, *words: str) -> None:
    """Assert that the exit code is 2, and that the output has these words and no traceback."""
    assert ended.code == 2, ended.said
    assert "Traceback" not in ended.said
    assert [each for each in words if each not in ended.said] == [], ended.said


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change into an empty folder, with an environment without AWS, Prefect or settings; return the folder."""
    for name in list(os.environ):
        if name.startswith(PREFIXES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_module(home: Path, *command: str, **variables: str) -> Ended:
    """Run `python -m ...` in a process."""
    quiet = {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "DO_NOT_TRACK": "1",
    }
    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-m", *command],
        env=os.environ | quiet | {"PYTHONPATH": str(ROOT), "PREFECT_CLIENT_MAX_RETRIES": "0"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
        check=False,
    )
    return Ended(done.returncode, done.stdout)
