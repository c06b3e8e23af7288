"""The extra `analytics`: who installs it, and who does without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.sandbox import servers

ROOT = Path(__file__).parents[2]
EXTRA = ("pyiceberg", "pyarrow", "duckdb")
NEED_IT = ["sandbox", "cluster", "unit", "test", "test-long", "bench", "audit", "faults", "soak", "check"]


def commands(*words: str) -> str:
    """Return what make would run for a target if nothing had been made yet; nothing runs."""
    make = ["make", "--dry-run", "--always-make", "--no-print-directory", *words]
    return subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603


@pytest.mark.parametrize("target", NEED_IT)
def test_what_reads_tables_installs_the_extra(target: str) -> None:
    """These targets install the extra's pinned versions before they begin."""
    assert "-r requirements-analytics.txt" in commands(target)


def test_a_tour_installs_the_extra() -> None:
    """It asks in SQL."""
    assert "-r requirements-analytics.txt" in commands("demo", "TOUR=1")


def test_no_tour_is_a_demo() -> None:
    """TOUR=0 says no, as it reads."""
    assert commands("demo", "TOUR=0") == commands("demo")


def test_a_demo_installs_none_of_the_extra() -> None:
    """`make demo` stays as small and as quick as without analytics: no file that it installs from names them."""
    made = commands("demo")
    files = [
        word for word in made.split() if word.startswith("requirements") and word.endswith((".in", ".txt"))
    ]
    assert files
    installed = {line.split("==")[0] for name in files for line in (ROOT / name).read_text().splitlines()}
    assert installed.isdisjoint(EXTRA)


def test_a_sandbox_without_the_extra_has_analytics_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its workers are given no ANALYTICS_DATABASE: a scheduled publish ends at once, and an erasure works."""
    assert servers.can_publish()
    monkeypatch.setitem(sys.modules, "pyiceberg", None)
    assert not servers.can_publish()


def test_events_are_handled_without_the_extra() -> None:
    """Every flow, the worker and the command line load where none of the extra is installed."""
    flows = [f"flows.{path.stem}" for path in (ROOT / "flows").glob("*.py") if path.stem != "__init__"]
    modules = [*flows, "deployments.worker.worker", "deployments.cli.__main__"]
    code = "\n".join(
        (f"import sys; sys.modules.update(dict.fromkeys({EXTRA}))", *(f"import {name}" for name in modules))
    )
    done = subprocess.run(  # noqa: S603 - our own modules
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_publish_without_the_extra_says_what_to_install() -> None:
    """A worker that has ANALYTICS_DATABASE and lacks the packages names the command."""
    code = f"import sys; sys.modules.update(dict.fromkeys({EXTRA}))\nfrom tasks.services import get_lake\nget_lake()"
    required = ("GENESYS_CLIENT_ID", "GENESYS_CLIENT_SECRET", "INTERACTION_TABLE", "QUARANTINE_TABLE")
    settings = dict.fromkeys((*required, "CONVERSATION_BUCKET", "ANALYTICS_DATABASE"), "any")
    done = subprocess.run(  # noqa: S603 - our own modules
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | settings | {"AWS_DEFAULT_REGION": "us-east-1"},
    )
    assert "AnalyticsNotInstalled: pyiceberg is not installed on this worker" in done.stderr
    assert "pip install '.[analytics]'" in done.stderr
