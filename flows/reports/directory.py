"""What a person sees of a refresh of the directory: its artifact and its message. No name is in either."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.genesys import NameKind
from tasks.operations.directory_refresh import RefreshCounts


def markdown(counts: Mapping[NameKind, RefreshCounts]) -> str:
    """Return the artifact: a row for each kind, and which permissions are missing."""
    rows = (
        f"| {kind.label} | {each.known} | {each.named} | {each.changed} | {each.unknown} | {each.refused} |"
        for kind, each in counts.items()
    )
    lines = [
        "# The directory",
        "",
        "| | ids | named | of these changed | unknown | refused |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
        "Unknown: Genesys returns nothing for the id; a name that was known stays. Refused: see below.",
        *(f"\nThe OAuth client has no role with `{kind.permission}`." for kind in refused(counts)),
    ]
    return "\n".join(lines)


def message(counts: Mapping[NameKind, RefreshCounts]) -> str:
    """Return the run's message: the sums, and the permissions that are missing."""
    text = str(sum(counts.values(), RefreshCounts()))
    missing = ", ".join(kind.permission for kind in refused(counts))
    return f"{text}; the OAuth client has no role with {missing}" if missing else text


def refused(counts: Mapping[NameKind, RefreshCounts]) -> list[NameKind]:
    """Return the kinds that the OAuth client may not ask for."""
    return [kind for kind, each in counts.items() if each.refused]
