"""Commands as processes, without a sandbox."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.commands import refused, run_module

UNREACHABLE = "http://127.0.0.1:9/api"


def test_apply_starts_no_server_of_its_own(home: Path) -> None:
    """Without PREFECT_API_URL nothing is created, and the next step is named."""
    ended = run_module(home, "deployments", "apply")
    refused(ended, "PREFECT_API_URL is not set", "prefect config set", ".sandbox/env")
    assert "created" not in ended.said


def test_a_profile_names_the_server_as_well(home: Path) -> None:
    """A profile that `prefect config set` wrote is used."""
    profile = f'active = "ours"\n[profiles.ours]\nPREFECT_API_URL = "{UNREACHABLE}"\n'
    (home / "profiles.toml").write_text(profile, encoding="utf-8")
    refused(run_module(home, "deployments", "apply"), f"no answer from {UNREACHABLE}")


@pytest.mark.parametrize("name", ["deployments", "deployments.cli", "deployments.sandbox"])
def test_the_version_is_the_packages(home: Path, name: str) -> None:
    """--version prints the version of the installed package."""
    assert run_module(home, name, "--version") == (0, version("interactions") + "\n")
