"""The version of a record: of two records of an interaction the newer has the greater string."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tasks.values import epoch_milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_canonical_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str).encode
_SEPARATOR = "~"  # sorts above the `|` of earlier releases' versions, whatever follows it


def content_hash(content: Mapping[str, Any]) -> str:
    """Return the sha256 of the content as canonical JSON, numbers exact."""
    return hashlib.sha256(_canonical_json(content).encode("ascii")).hexdigest()


def version(as_of: datetime, content_hash: str, *, settled: bool) -> str:
    """Return `settled~asOf~hash`, which sorts as that tuple does; `as_of` is when Genesys said so, by its clock.

    Settled (1) beats unsettled (0), a later answer an earlier one; the hash decides between answers of the same
    second. Milliseconds are padded to 15 digits. Not by the end: Genesys corrects an end to an earlier time, too.

    Releases before 0.2 wrote `settled|endedAt|asOf|hash`. Any version of today beats one of those of its state, and
    a settled one of those beats an unsettled one of today: so a row of theirs is never frozen, and a worker of
    theirs never replaces a row of today.
    """
    return _SEPARATOR.join((str(int(settled)), f"{epoch_milliseconds(as_of):015d}", content_hash))


def is_current_form(version: str) -> bool:
    """Return whether a stored version has today's form, not the one of releases before 0.2."""
    return version[1:2] == _SEPARATOR


def same_moment(version: str, other: str) -> bool:
    """Return whether two versions of today's form are of the same state and the same second."""
    forms = is_current_form(version) and is_current_form(other)
    return forms and version.rpartition(_SEPARATOR)[0] == other.rpartition(_SEPARATOR)[0]
