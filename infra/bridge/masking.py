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
_PROSE = re.compile(r"[^\W\d_]{2}.*\s|\s.*[^\W\d_]{2}")
_OF_AN_ID = re.compile(r"[A-Za-z0-9._:#-]*")
_PLAIN = re.compile(r"[A-Za-z0-9._:{}/#-]*")  # neither an address nor prose can be made of these alone
_TELEPHONE = re.compile(r"\s*(?:tel:|sips?:|\+)", re.IGNORECASE)


def masked(text: str, longest: int = LONGEST) -> str:
    """Return the head of a free text: addresses become ***@***, digits become #, control characters go."""
    # Cut generously first, and finely last: an address that straddles the cut must still be recognised.
    head = text[: 2 * longest]
    head = _DIGIT.sub("#", _ADDRESS.sub("***@***", head) if _AT.search(head) else head)
    return "".join(character if character.isprintable() else " " for character in head)[:longest]


def tidy(text: str) -> str:
    """Return the value of a known field, cut; only what plainly is an address, a telephone or prose is masked.

    Digits stay: identifiers and times consist of them; a sentence with digits is neither.
    """
    head = text[: 2 * LONGEST]
    if _TELEPHONE.match(head) or not (_PLAIN.fullmatch(head) or _harmless(head)):
        return masked(head)
    return head[:LONGEST]


def _harmless(head: str) -> bool:
    return not (_AT.search(head) or (_DIGIT.search(head) and _PROSE.search(head)))


def shaped(text: str) -> str:
    """Return what should be an id: as it is when it can be one, else its shape, letters as ? and digits as *.

    A sender that is broken writes a name or a number there. No id holds ? or *, so no shape is taken for one.
    """
    if _OF_AN_ID.fullmatch(text):
        return tidy(text)
    return "".join(_shape(character) for character in text[:LONGEST])


def _shape(character: str) -> str:
    if character.isalpha():
        return "?"
    return "*" if character.isnumeric() else character


def digest(text: str) -> str:
    """Return the sha256 of a text, hexadecimal; a lone surrogate is as good as any character."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def described(text: str) -> str:
    """Return a masked head that still tells two different texts apart, within the longest string."""
    mark = f" (sha256 {digest(text)[:32]})"
    return masked(text, LONGEST - len(mark)) + mark
