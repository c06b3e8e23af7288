"""The files of requirements: what they ask for, pin and hash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PIN = re.compile(
    r"(?P<name>[\w.-]+)==(?P<version>\S+)(?: ;[^\\]*)?(?P<hashes>(?: \\\n +--hash=sha256:[0-9a-f]{64})*)\n"
)


def asked(name: str) -> Iterator[tuple[str, str]]:
    """Yield each requirement of a `.in` file with the comment beside it, which may be the line above."""
    above = ""
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        text, _, comment = line.partition("#")
        if text.strip() and not text.startswith("-r"):
            yield text.strip(), comment or above
        above = "" if text.strip() else comment


def pins(name: str) -> dict[str, str]:
    """Return the versions of a compiled file by package."""
    return {
        each["name"]: each["version"] for each in _PIN.finditer((ROOT / name).read_text(encoding="utf-8"))
    }


def without_hashes(name: str) -> str:
    """Return what is left of a compiled file when everything pinned and hashed is taken out of it."""
    return _PIN.sub(lambda each: "" if each["hashes"] else each[0], (ROOT / name).read_text(encoding="utf-8"))
