"""The project's documents as tests read them: code spans, code blocks, links, headings, tables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import dropwhile, groupby
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ASSIGNMENT = re.compile(r"[A-Z_]+=.*", re.DOTALL)
_COMMENT = re.compile(r"(^|\s)#.*")
_CAPTURED = re.compile(r"\w+=\$\((.*)\)")


@dataclass(frozen=True)
class Document:
    """One Markdown file; `name` is its path from the project's folder."""

    name: str

    @cached_property
    def text(self) -> str:
        """The whole file."""
        return (ROOT / self.name).read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return _FENCE.sub("", self.text)

    @property
    def blocks(self) -> list[tuple[str, str]]:
        """The code blocks: language and text."""
        return _FENCE.findall(self.text)

    @property
    def spans(self) -> list[str]:
        """The inline code."""
        return _SPAN.findall(self.prose)

    @property
    def links(self) -> list[str]:
        """The targets of links and images."""
        return _LINK.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """The headings as GitHub links to them."""
        return {_slug(heading) for heading in _HEADING.findall(self.prose)}

    def section(self, heading: str) -> str:
        """Return what stands below a heading, up to the next one of any level."""
        below = re.split(rf"^#+ {re.escape(heading)}$", self.text, maxsplit=1, flags=re.MULTILINE)[1]
        return re.split(r"^#+ ", below, maxsplit=1, flags=re.MULTILINE)[0]

    def commands(self) -> Iterator[list[str]]:
        """Yield every shell command as words: those of the `sh` blocks, and the spans that begin with a program."""
        for language, block in self.blocks:
            if language == "sh":
                yield from commands(block)
        for span in self.spans:
            if span.split()[0] in PROGRAMS and len(span.split()) > 1:
                yield from commands(span)


PROGRAMS = frozenset({"make", "python", ".venv/bin/python", ".venv/bin/pytest", "prefect", "interactions"})
"""The programs whose calls inside a sentence are checked, too."""


def commands(shell: str) -> Iterator[list[str]]:
    """Yield the commands of a piece of shell, one by one, without assignments before them and comments."""
    for line in shell.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(_CAPTURED.sub(r"\1", _COMMENT.sub("", line)), posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        lexer.commenters = ""
        for separator, group in groupby(lexer, key=lambda word: set(word) <= set(";&|")):
            words = list(dropwhile(_ASSIGNMENT.fullmatch, group))
            if words and not separator:
                yield words


def table(text: str) -> list[list[str]]:
    """Return the rows of the Markdown tables in a text, without headings and rules."""
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    rules = [number for number, row in enumerate(rows) if all(set(cell) <= set("-| ") for cell in row)]
    return [row for number, row in enumerate(rows) if number not in rules and number + 1 not in rules]


def names(cell: str) -> list[str]:
    """Return the inline code of a table's cell."""
    return _SPAN.findall(cell)


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


DOCUMENTS = [
    Document(path.relative_to(ROOT).as_posix())
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
]
HISTORY = Document("CHANGELOG.md")
"""Names things that are gone, too: only its links are checked."""


def document(name: str) -> Document:
    """Return a document by its file's name."""
    return next(each for each in DOCUMENTS if Path(each.name).stem == name)
