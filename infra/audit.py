"""Known vulnerabilities of what production installs: `python -m infra.audit`, or `make audit`.

Exit codes: 0 nothing is wrong with what could be looked at (the last line says whether the advisories were),
1 something is wrong, 2 the advisories were not reached and AUDIT_REQUIRED=1 says that they must be.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
SERVICES = ("pypi", "osv")  # asked in this order, until one knows anything
OK, WRONG, UNKNOWN = 0, 1, 2
_PATIENCE = 300.0
_PINNED = re.compile(r"[A-Za-z0-9][\w.-]*(\[[\w,.-]+\])?==[\w.!+-]+(\s*;.*)?")


@dataclass
class Audit:
    """What is known of the requirements, each list by sentences for a person."""

    problems: list[str] = field(default_factory=list)
    audited: int = 0
    skipped: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether the advisories were asked about every requirement."""
        return self.audited > 0 and not self.skipped

    def exit_code(self, *, required: bool) -> int:
        """What the command ends with."""
        if self.problems:
            return WRONG
        return UNKNOWN if required and not self.complete else OK

    def lines(self) -> list[str]:
        """What the command prints; the last line is the result."""
        told = [*self.problems, *(f"not audited: {name}" for name in self.skipped if self.audited)]
        if self.complete:
            return [*told, f"audited: {self.audited} requirements, {len(self.problems)} problems"]
        if self.audited:
            return [*told, f"not audited in full: {len(self.skipped)} requirements unknown to the advisories"]
        return [*told, "not audited: advisories unreachable"]


def unpinned(text: str) -> list[str]:
    """A problem for each requirement that is not an exact version."""
    lines = (line.split(" #")[0].strip() for line in text.splitlines())
    wanted = [line for line in lines if line and not line.startswith("#")]
    return [f"not pinned: {line}" for line in wanted if not _PINNED.fullmatch(line)]


def inconsistent() -> list[str]:
    """What pip says against the versions that are installed here."""
    done = _run([sys.executable, "-m", "pip", "check", "--disable-pip-version-check"])
    return [] if done.returncode == 0 else done.stdout.strip().splitlines()


def read(report: str) -> Audit:
    """The audit in pip-audit's report; one that is none audits nothing."""
    try:
        dependencies: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Audit()
    found = Audit()
    for each in dependencies:
        if "skip_reason" in each:  # pip-audit itself ends with 0 even when it could look at nothing
            found.skipped.append(f"{each['name']} ({each['skip_reason']})")
            continue
        found.audited += 1
        found.problems += [_problem(each, vulnerability) for vulnerability in each["vulns"]]
    return found


def advisories(requirements: Path, services: Sequence[str] = SERVICES) -> Audit:
    """What the first advisory service that knows anything says of the requirements."""
    options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    found = Audit()
    for service in services:
        command = [sys.executable, "-m", "pip_audit", "-r", str(requirements), "-s", service, *options]
        found = read(_run(command).stdout)
        if found.audited:
            break
    return found


def main(requirements: Path = REQUIREMENTS) -> int:
    """Print the audit; the exit code."""
    here = unpinned(requirements.read_text(encoding="utf-8")) + inconsistent()
    audit = advisories(requirements)
    audit.problems = here + audit.problems
    sys.stdout.write("\n".join(audit.lines()) + "\n")
    return audit.exit_code(required=os.environ.get("AUDIT_REQUIRED") == "1")


def _problem(dependency: dict[str, Any], vulnerability: dict[str, Any]) -> str:
    mended = ", ".join(vulnerability.get("fix_versions") or []) or "no version yet"
    return f"{dependency['name']} {dependency['version']}: {vulnerability['id']}, mended in {mended}"


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - our own commands
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, UNKNOWN, "", "")


if __name__ == "__main__":
    sys.exit(main())
