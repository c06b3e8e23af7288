"""A refresh of the directory: what Genesys says now of the ids that it knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace

from tasks.genesys import NameKind, NotPermitted
from tasks.pipeline.directory import Directory
from tasks.stores import DirectoryEntry


@dataclass(frozen=True)
class RefreshCounts:
    """How many ids of one kind, or of all."""

    known: int = 0
    """Ids that the table held before."""
    named: int = 0
    changed: int = 0
    """Of these, names that are new or another."""
    unknown: int = 0
    """Ids that Genesys does not return; a name that was known stays."""
    refused: int = 0
    """Ids that the OAuth client may not ask for."""

    def __add__(self, other: RefreshCounts) -> RefreshCounts:
        """Return the sums."""
        return RefreshCounts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        """Return `5 known, 4 named (1 changed), 1 unknown, 0 refused`."""
        return (
            f"{self.known} known, {self.named} named ({self.changed} changed), {self.unknown} unknown, "
            f"{self.refused} refused"
        )


def refresh(directory: Directory, kind: NameKind, entries: Sequence[DirectoryEntry]) -> RefreshCounts:
    """Ask Genesys for these entries' names and write what it says; return the counts.

    Raises TransientError and PermanentError; a missing permission is counted instead, and logged once.
    """
    try:
        answers = directory.requests.entries(kind, [entry.key.id for entry in entries])
    except NotPermitted as error:
        directory.requests.tell_once(kind, error)
        return RefreshCounts(known=len(entries), refused=len(entries))
    renewed = list(_renewed(entries, answers))
    directory.put(renewed)
    names = {entry.key: entry.name for entry in entries}
    return RefreshCounts(
        known=len(entries),
        named=sum(answer.name is not None for answer in answers),
        changed=sum(answer.name not in (None, names[answer.key]) for answer in answers),
        unknown=sum(answer.name is None for answer in answers),
    )


def _renewed(
    entries: Iterable[DirectoryEntry], answers: Iterable[DirectoryEntry]
) -> Iterator[DirectoryEntry]:
    """Yield the entries to write.

    An entry expires when it would have: what no interaction needs any more is forgotten, and what is needed is
    asked for when it is. What Genesys no longer returns keeps its last name until then.
    """
    for entry, answer in zip(entries, answers, strict=True):
        if entry.pending or (entry.name is None and answer.name is not None):
            yield answer
        elif answer.name is not None:
            yield replace(answer, expires_at=entry.expires_at)
