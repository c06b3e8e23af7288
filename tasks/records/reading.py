"""Tolerant readers of Genesys's JSON: what is missing, null or of the wrong kind reads as None or nothing.

A flaw in one field of one conversation must cost that field and no more. Bounds are here for the same reason:
DynamoDB refuses an index key of 2 KB, a number of more than 38 digits, and text that is not valid Unicode.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tasks.events.instants import instant
from tasks.events.words import enum_word

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_LONGEST_ID = 128
_LONGEST_TEXT = 1024
_LARGEST = 10**15
_MICRO = Decimal("0.000001")


def objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the JSON objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """Return text without the blanks around it, made valid Unicode; None when there is none, or too much."""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        return None
    return value.encode("utf-8", "replace").decode("utf-8").strip() or None


def identifier(value: Any) -> str | None:
    """Return an id: a short, printable text."""
    usable = isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isprintable()
    return value.strip() or None if usable else None


def word(value: Any) -> str | None:
    """Return an enumeration's value in the details API's spelling."""
    return enum_word(value) if isinstance(value, str) else None


def time(value: Any) -> datetime | None:
    """Return a time in UTC, to the millisecond; Genesys's details have times as text only."""
    return instant(value) if isinstance(value, str) else None


def number(value: Any) -> Decimal | int | None:
    """Return an exact number, to six decimal places; such numbers have the same sum in any order."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, int):
        return value if abs(value) < _LARGEST else None
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return exact.quantize(_MICRO) if exact.is_finite() and abs(exact) < _LARGEST else None
