"""What may be personal in a free text is made unreadable before it travels."""

from __future__ import annotations

import hashlib
import re

LONGEST = 200
"""The longest string that travels, in characters."""

# The @ of an address in plain, full-width, percent-encoded and JSON-escaped spelling; looked for by itself, since
# looking for a whole address takes the square of a text's length where there is none.
_AT = re.compile(r"@|\uff20|%40|\\u0040|\\uff20", re.IGNORECASE)
_ADDRESS = re.compile(rf"[^\s\"'<>]*(?:{_AT.pattern})[^\s\"'<>]*", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_TELEPHONE = re.compile(r"\s*(?:tel:|sips?:|\+)", re.IGNORECASE)


def masked(text: str, longest: int = LONGEST) -> str:
    """Return the head of a free text: addresses become ***@***, digits become #, control characters go."""
    # Cut generously first, and finely last: an address that straddles the cut must still be recognised.
    head = text[: 2 * longest]
    head = _DIGIT.sub("#", _ADDRESS.sub("***@***", head) if _AT.search(head) else head)
    return "".join(character if character.isprintable() else " " for character in head)[:longest]


def tidy(text: str) -> str:
    """Return the value of a known field, cut; only what plainly is an address or a telephone is masked.

    Digits stay: identifiers and times consist of them.
    """
    head = text[: 2 * LONGEST]
    if _AT.search(head) or _TELEPHONE.match(head):
        return masked(head)
    return head[:LONGEST]


def digest(text: str) -> str:
    """Return the sha256 of a text, hexadecimal; a lone surrogate is as good as any character."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def described(text: str) -> str:
    """Return a masked head that still tells two different texts apart, within the longest string."""
    mark = f" (sha256 {digest(text)[:32]})"
    return masked(text, LONGEST - len(mark)) + mark
