"""The spelling of Genesys's enumerations.

Events have VOICE and CONFERENCE_TRANSFER, the details API has voice and conferenceTransfer. Both are stored in the
details API's spelling; a value that is not known is spelled by the same rule.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_ -][A-Za-z0-9]+)*")
_MAX_LENGTH = 64


def enum_word(value: str) -> str | None:
    """Return the value in lowerCamel; None for text that cannot be a value of an enumeration."""
    return _spelled(value) if len(value) <= _MAX_LENGTH else None


@lru_cache(maxsize=1024)
def _spelled(value: str) -> str | None:
    if not _WORD.fullmatch(value):
        return None
    first, *rest = re.split("[_ -]", value)
    if rest:
        return first.lower() + "".join(part.capitalize() for part in rest)
    return value.lower() if value.isupper() else value[0].lower() + value[1:]
