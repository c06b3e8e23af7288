"""Masks what may be personal in a text before it is sent: e-mail addresses, telephone numbers, prose."""

from __future__ import annotations

import hashlib
import re

from fields import ID_CHARACTERS

MAX_STRING = 200
"""The longest string that is sent, in characters."""

# The @ of an address in plain, full-width, percent-encoded and JSON-escaped spelling. It is searched for by itself
# first: searching a text without one for a whole address takes time that grows with the square of its length.
_AT = re.compile(r"@|\uff20|%40|\\u0040|\\uff20", re.IGNORECASE)
_ADDRESS = re.compile(rf"[^\s\"'<>]*(?:{_AT.pattern})[^\s\"'<>]*", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_PROSE = re.compile(r"[^\W\d_]{2}.*\s|\s.*[^\W\d_]{2}")
_LIKE_AN_ID = re.compile(rf"[{ID_CHARACTERS}]*")
_PLAIN = re.compile(r"[A-Za-z0-9._:{}/#-]*")  # these characters make neither an address nor prose
_TELEPHONE = re.compile(r"\s*(?:tel:|sips?:|\+)", re.IGNORECASE)


def masked(text: str, limit: int = MAX_STRING) -> str:
    """Return the head of a free text: an address becomes ***@***, a digit #, a control character a space."""
    # Cut to twice the limit first, and to the limit last: an address across the cut must still be recognised.
    head = text[: 2 * limit]
    head = _DIGIT.sub("#", _ADDRESS.sub("***@***", head) if _AT.search(head) else head)
    return "".join(character if character.isprintable() else " " for character in head)[:limit]


def masked_field(text: str) -> str:
    """Return the head of an allowed field's value, masked if it is an address, a telephone number or prose.

    Digits alone are not masked: ids and times consist of them. A sentence with digits is neither.
    """
    head = text[: 2 * MAX_STRING]
    if _TELEPHONE.match(head) or not (_PLAIN.fullmatch(head) or _harmless(head)):
        return masked(head)
    return head[:MAX_STRING]


def _harmless(head: str) -> bool:
    return not (_AT.search(head) or (_DIGIT.search(head) and _PROSE.search(head)))


def masked_id(text: str) -> str:
    """Return the value of an id field: unchanged if it can be an id, else with letters as ? and digits as *.

    A broken sender writes a name or a number there. No id has ? or *, so a masked one is never taken for an id.
    """
    if _LIKE_AN_ID.fullmatch(text):
        return masked_field(text)
    return "".join(_character_class(character) for character in text[:MAX_STRING])


def _character_class(character: str) -> str:
    if character.isalpha():
        return "?"
    return "*" if character.isnumeric() else character


def digest(text: str) -> str:
    """Return the sha256 of a text, hexadecimal; the text may hold lone surrogates."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def masked_with_hash(text: str) -> str:
    """Return a masked head and a hash, within MAX_STRING: two texts that are masked alike stay different."""
    mark = f" (sha256 {digest(text)[:32]})"
    return masked(text, MAX_STRING - len(mark)) + mark
