"""What is installed is what was tested: every file of requirements is pinned and hashed, and installed by its sums."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.requirements import asked, pins, without_hashes

ROOT = Path(__file__).parents[2]
ASKED = sorted(path.name for path in ROOT.glob("requirements*.in"))
COMPILED = [name.removesuffix(".in") + ".txt" for name in ASKED]
INSTALL = re.compile(r"(?:pip install|-m pip install)(?:[^\n&|]|\\\n)*")


def installs() -> set[str]:
    """Return the commands of the Makefile, the image and the documents that install from files of requirements."""
    make = ["make", "--dry-run", "--always-make", "--no-print-directory", "test-long", "bench", "cluster"]
    made = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603
    files = [ROOT / "infra/Dockerfile", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    texts = [made, *(file.read_text(encoding="utf-8") for file in files)]
    return {found for text in texts for found in INSTALL.findall(text) if "requirements" in found}


@pytest.mark.parametrize("name", COMPILED)
def test_every_requirement_is_pinned_and_hashed(name: str) -> None:
    """A compiled file holds exact versions with sha256 sums, and nothing else: no address of a registry."""
    assert pins(name)
    assert without_hashes(name) == ""


@pytest.mark.parametrize("name", ASKED)
def test_what_is_asked_for_is_compiled(name: str) -> None:
    """The compiled file has every package of its source, in the version that the source demands."""
    compiled = {key.lower(): value for key, value in pins(name.removesuffix(".in") + ".txt").items()}
    for requirement, _ in asked(name):
        package = re.split(r"[\[=<>~!]", requirement)[0].lower()
        assert package in compiled
        assert "==" not in requirement or requirement.split("==")[1] == compiled[package]


def test_the_files_agree() -> None:
    """They are installed into one environment: a package has the same version in each."""
    seen: dict[str, str] = {}
    for name in COMPILED:
        for package, version in pins(name).items():
            assert seen.setdefault(package, version) == version, (name, package)


@pytest.mark.parametrize("name", ASKED)
def test_an_upper_bound_says_since_when_and_why(name: str) -> None:
    """A version that may not be exceeded has a dated note: somebody has to look whether it still holds."""
    bounded = [(text, note) for text, note in asked(name) if re.search(r"==|<|~=", text)]
    assert [text for text, note in bounded if not re.search(r"20\d\d-\d\d-\d\d: \S+", note)] == []


def test_everything_is_installed_by_its_hashes() -> None:
    """Makefile, image and documents install compiled files with --require-hashes, the project itself apart."""
    found = installs()
    assert len(found) >= 7
    assert [each for each in found if "--require-hashes" not in each or re.search(r"\.in\b", each)] == []
