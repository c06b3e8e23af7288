"""Every link in a document leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documents.markdown import DOCUMENTS, HISTORY, ROOT, Document

LINKS = [(each, link) for each in (*DOCUMENTS, HISTORY) for link in each.links]
MAKERS = ("tests/integration/deployments/test_ui.py", "tests/benchmarks/cost_chart.py")
PICTURES = "".join((ROOT / maker).read_text(encoding="utf-8") for maker in MAKERS)


@pytest.mark.parametrize(("source", "link"), LINKS, ids=[f"{each.name}: {link}" for each, link in LINKS])
def test_the_link_leads_somewhere(source: Document, link: str) -> None:
    """A file of the project, and in it the heading; an address on the Web is not asked for."""
    if re.match(r"https?://", link):
        return
    path, _, anchor = link.partition("#")
    target = (ROOT / source.name).parent / path if path else ROOT / source.name
    assert target.exists(), link
    if anchor:
        assert anchor in Document(target.resolve().relative_to(ROOT).as_posix()).anchors


def test_the_readme_leads_to_every_document() -> None:
    """No document is an orphan."""
    linked = {Path(link.partition("#")[0]).name for link in DOCUMENTS[0].links}
    assert {Path(each.name).name for each in DOCUMENTS[1:]} <= linked


def test_every_picture_is_shown_and_can_be_made_again() -> None:
    """Each file in docs/images stands in a document, and the browser's test or the benchmark makes it."""
    shown = {Path(link).name for each in DOCUMENTS for link in each.links if "images/" in link}
    stored = {path.name for path in (ROOT / "docs/images").iterdir()}
    assert shown == stored
    assert [name for name in sorted(stored) if f'"{Path(name).stem}"' not in PICTURES] == []


def test_the_readme_is_short() -> None:
    """A reader finishes 130 lines."""
    assert len(DOCUMENTS[0].text.splitlines()) <= 130
