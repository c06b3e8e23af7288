"""The dependency audit: it finds, it fails, and where it cannot look it says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.audit import REQUIREMENTS, Audit, inconsistent, read, unpinned

UNREACHABLE = "not audited: advisories unreachable"
CLEAN = {"name": "jinja2", "version": "3.1.6", "vulns": []}
HIT = {"name": "jinja2", "version": "3.1.2", "vulns": [{"id": "PYSEC-0000-1", "fix_versions": ["3.1.3"]}]}
SKIPPED = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}


def report(*dependencies: dict[str, object]) -> str:
    """A report in pip-audit's form."""
    return json.dumps({"dependencies": dependencies, "fixes": []})


@pytest.mark.parametrize(
    "line", ["requests", "requests>=2", "requests==2.*", "-r other.txt", "requests @ file:///x"]
)
def test_a_requirement_without_an_exact_version_is_a_problem(line: str) -> None:
    """It is named; comments, blank lines and markers are none."""
    assert unpinned(f"# a comment\n\nrich==1.0 ; python_version < '3.12'\n{line}\n") == [
        f"not pinned: {line}"
    ]


def test_what_production_installs_is_pinned_and_consistent() -> None:
    """Every line of requirements.txt is an exact version, and what is installed here fits together."""
    assert unpinned(REQUIREMENTS.read_text()) == []
    assert inconsistent() == []


@pytest.mark.parametrize("required", [False, True])
def test_a_known_vulnerability_fails(*, required: bool) -> None:
    """Whatever is required: the package, the advisory and the version that mends it are told."""
    audit = read(report(CLEAN, HIT))
    assert audit.exit_code(required=required) == 1
    assert audit.lines()[0] == "jinja2 3.1.2: PYSEC-0000-1, mended in 3.1.3"
    assert UNREACHABLE not in audit.lines()


def test_nothing_known_against_anything_is_a_success() -> None:
    """Everything was looked at: 0, required or not."""
    audit = read(report(CLEAN))
    assert (audit.exit_code(required=True), audit.lines()) == (0, ["audited: 1 requirements, 0 problems"])


@pytest.mark.parametrize(
    "told", ["", "Traceback: no network", "[]", report(), report(SKIPPED), report(SKIPPED, SKIPPED)]
)
def test_advisories_that_were_not_reached_are_no_success_in_disguise(told: str) -> None:
    """A report about nothing passes only where the advisories are not required, and says what it is."""
    audit = read(told)
    assert audit.lines()[-1] == UNREACHABLE
    assert (audit.exit_code(required=False), audit.exit_code(required=True)) == (0, 2)


def test_a_requirement_that_the_advisories_do_not_know_is_named() -> None:
    """One in many is not lost in a success."""
    audit = read(report(CLEAN, SKIPPED))
    assert audit.lines()[0].startswith("not audited: ours (")
    assert audit.lines()[-1].startswith("not audited in full: 1 ")
    assert audit.exit_code(required=True) == 2


def test_a_problem_here_counts_without_any_advisory() -> None:
    """What can be told offline fails offline."""
    assert Audit(problems=["not pinned: requests"]).exit_code(required=False) == 1


def test_without_a_network_the_command_says_so(tmp_path: Path) -> None:
    """The real pip-audit, led to a port where nobody listens, ends as unknown and never as clean."""
    nowhere = "http://127.0.0.1:9"
    environment = os.environ | {"HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "AUDIT_REQUIRED": "1"}
    environment |= {"XDG_CACHE_HOME": str(tmp_path), "NO_PROXY": ""}
    done = subprocess.run(
        [sys.executable, "-m", "infra.audit"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (2, UNREACHABLE)
