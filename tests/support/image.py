"""What the worker's image is built from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def copied() -> Iterator[Path]:
    """Yield the files that the Dockerfile names for building the wheel, as they are in a checkout."""
    for line in (ROOT / "infra/Dockerfile").read_text(encoding="utf-8").splitlines():
        instruction, *words = line.split() or [""]
        if instruction != "COPY" or words[0].startswith("--from"):
            continue
        for source in (ROOT / word for word in words[:-1]):
            files = source.rglob("*") if source.is_dir() else [source]
            yield from (file for file in files if file.is_file() and "__pycache__" not in file.parts)
