"""`make audit`: a known vulnerability fails; advisories that were not reached are said, and never taken for none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread

import pytest

from tests.support.requirements import pins

ROOT = Path(__file__).parents[2]
UNREACHABLE = "not audited: advisories unreachable"
REQUIREMENTS = "# what production installs\njinja2==3.1.2\nrich==15.0.0 ; python_version > '3'\n"
NOWHERE = "http://127.0.0.1:9"
FIXED = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.3"}]}
VULNERABILITY = {
    "id": "PYSEC-0000-1",
    "published": "2026-01-01T00:00:00Z",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [{"package": {"name": "jinja2", "ecosystem": "PyPI"}, "ranges": [FIXED]}],
}


@contextmanager
def advisories(vulnerable: str = "") -> Iterator[str]:
    """Serve an OSV API on the loopback that knows one vulnerability, of this package; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["content-length"])))
            known = {"vulns": [VULNERABILITY]} if query["package"]["name"] == vulnerable else {}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(known).encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        server.server_close()


def audit(
    tmp_path: Path, url: str, requirements: str = REQUIREMENTS, **variables: str
) -> tuple[int, list[str]]:
    """Run the audit of these requirements with the OSV API at this address; return exit code and output."""
    file = tmp_path / "requirements.txt"
    file.write_text(requirements)
    environment = os.environ | {"BIN": str(Path(sys.executable).parent), "XDG_CACHE_HOME": str(tmp_path)}
    environment |= {
        "PIP_AUDIT_VULNERABILITY_SERVICE": "osv",
        "PIP_AUDIT_OSV_URL": url,
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(  # noqa: S603 - our own script
        [ROOT / ".ci" / "audit", file],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def test_nothing_known_against_anything_is_a_success(tmp_path: Path) -> None:
    """The advisories answered for every requirement and know nothing: 0."""
    with advisories() as url:
        code, lines = audit(tmp_path, url)
    assert (code, lines[-1]) == (0, "audited: 2 requirements, no known vulnerabilities")


def test_a_known_vulnerability_fails(tmp_path: Path) -> None:
    """The exit code is 1, and the package, the advisory and the fixed version are named."""
    with advisories("jinja2") as url:
        code, lines = audit(tmp_path, url)
    assert (code, lines[-1].split()) == (1, ["jinja2", "3.1.2", "PYSEC-0000-1", "3.1.3"])


def test_advisories_that_are_not_reached_are_a_failure(tmp_path: Path) -> None:
    """Without an answer the last line says so, and the exit code tells it apart from a vulnerability."""
    code, lines = audit(tmp_path, NOWHERE)
    assert (code, lines[-1]) == (2, UNREACHABLE)


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-analytics.txt", "requirements-telemetry.txt"]
)
def test_what_production_installs_is_pinned_and_consistent(tmp_path: Path, name: str) -> None:
    """With nothing to be said of both files but that the advisories are away: pinned, and what is installed fits."""
    assert audit(tmp_path, NOWHERE, (ROOT / name).read_text())[0] == 2


def test_the_extra_moves_no_version_of_the_rest() -> None:
    """What both files name they name in the same version, and the tests run on the extra's versions."""
    rest, extra, tested = (
        pins(name) for name in ("requirements.txt", "requirements-analytics.txt", "requirements-dev.txt")
    )
    assert {name: rest[name] for name in rest.keys() & extra.keys()} == {
        name: extra[name] for name in rest.keys() & extra.keys()
    }
    own = extra.keys() - rest.keys()
    assert {"pyiceberg", "pyarrow", "duckdb"} <= own
    assert {name: version(name) for name in own - tested.keys()} == {
        name: extra[name] for name in own - tested.keys()
    }


def test_a_demo_installs_no_more_than_it_needs() -> None:
    """The sandbox has the versions that the tests run on, and none of the tools that test and check it."""
    sandbox, tested = pins("requirements-sandbox.txt"), pins("requirements-dev.txt")
    assert sandbox.items() <= tested.items()
    assert pins("requirements.txt").items() <= sandbox.items()
    assert (
        not {"pytest", "mypy", "ruff", "cfn-lint", "playwright", "pip-audit", "hypothesis"} & sandbox.keys()
    )


def test_a_requirement_without_an_exact_version_fails_without_a_network(tmp_path: Path) -> None:
    """A fault of the requirements is not taken for unreachable advisories."""
    code, lines = audit(tmp_path, NOWHERE, REQUIREMENTS + "requests>=2\n")
    assert code == 1
    assert "requests is not pinned" in lines[-1]


@pytest.mark.parametrize(
    ("known", "code", "last"),
    [(1, 1, "not audited in full: 1 requirements unknown to the advisories"), (0, 2, UNREACHABLE)],
)
def test_a_requirement_that_the_advisories_do_not_know_is_named(
    tmp_path: Path, known: int, code: int, last: str
) -> None:
    """pip-audit ends with 0 when the service knows only some of the packages, or none: this script does not hide it."""
    skipped = "ours Dependency not found on PyPI and could not be audited: ours (1.0)\n" * (2 - known)
    tool = tmp_path / "pip-audit"
    tool.write_text(
        "#!/bin/sh\n"
        'case "$*" in *--dry-run*) echo "INFO: Dry run: would have audited 2 packages"; exit 0;; esac\n'
        f"echo 'No known vulnerabilities found\n{skipped}'\n"
    )
    (tmp_path / "python").write_text("#!/bin/sh\n")
    for each in (tool, tmp_path / "python"):
        each.chmod(0o755)
    ended, lines = audit(tmp_path, NOWHERE, BIN=str(tmp_path))
    assert (ended, lines[-1]) == (code, last)
    assert (last == UNREACHABLE) or any("ours (1.0)" in line for line in lines)
