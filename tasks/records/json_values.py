"""Readers of values in Genesys's JSON that return None for a value that is missing, null or of a wrong type.

A wrong value loses its own field and no other. The bounds serve the same purpose: DynamoDB refuses an index key
of 2 KB, a number of more than 38 digits, and text that is not valid Unicode.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tasks.events.enums import enum_word
from tasks.values import milliseconds_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_ID = 128  # characters
_MAX_TEXT = 1024  # characters
_MAX_TIME = 64  # characters: texts of times are cached
_NUMBER_LIMIT = 10**15
_SIX_PLACES = Decimal("0.000001")


def objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the JSON objects of a list; none for a value that is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """Return text without surrounding blanks, made valid Unicode; None if it is empty or longer than 1024."""
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        return None
    return value.encode("utf-8", "replace").decode("utf-8").strip() or None


def identifier(value: Any) -> str | None:
    """Return an id: a printable text of at most 128 characters, without surrounding blanks."""
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_ID or not value.isprintable():
        return None
    return value.strip() or None


def word(value: Any) -> str | None:
    """Return the value of an enumeration, in the details API's spelling."""
    return enum_word(value) if isinstance(value, str) else None


def milliseconds(value: Any) -> int | None:
    """Return a time in epoch milliseconds; Genesys's details have times as text only."""
    return milliseconds_of(value) if isinstance(value, str) and len(value) <= _MAX_TIME else None


def number(value: Any) -> Decimal | int | None:
    """Return an exact number, rounded to six decimal places: such numbers have the same sum in any order."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, int):
        return value if abs(value) < _NUMBER_LIMIT else None
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return exact.quantize(_SIX_PLACES) if exact.is_finite() and abs(exact) < _NUMBER_LIMIT else None
