"""Readers of a column's values; a value that is missing, null or of a wrong type is null, and never an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tasks.lake.schema import Column, Kind
from tasks.records.json_values import identifier, milliseconds, number, word
from tasks.values import instant

Reader = Callable[[Any], Any]

_WORDS = frozenset({"purpose", "media_type", "message_type", "direction", "disconnect_type", "segment_type"})
"""Columns of enumerations that the record has, too: spelled as there."""
_IDENTIFIERS = frozenset({"wrap_up_code", "name"})


def text(value: Any) -> str | None:
    """Return text of any length, made valid Unicode."""
    return value.encode("utf-8", "replace").decode("utf-8") or None if isinstance(value, str) else None


def boolean(value: Any) -> bool | None:
    """Return true or false."""
    return value if isinstance(value, bool) else None


def integer(value: Any) -> int | None:
    """Return a whole number."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def decimal(value: Any) -> Decimal | None:
    """Return an exact number, rounded to six decimal places."""
    found = number(value)
    return None if found is None else Decimal(found)


def timestamp(value: Any) -> datetime | None:
    """Return the UTC time of an ISO 8601 text."""
    return instant(milliseconds(value))


def texts(value: Any) -> list[str] | None:
    """Return the texts of a list in their order; null for a list without any."""
    return [each for item in value if (each := text(item))] or None if isinstance(value, list) else None


def sorted_texts(value: Any) -> list[str] | None:
    """Return the texts of a list, sorted, each once: Genesys promises no order."""
    return sorted(set(texts(value) or ())) or None


STORED: Mapping[Kind, Reader] = {
    Kind.TEXT: text,
    Kind.BOOLEAN: boolean,
    Kind.INTEGER: integer,
    Kind.DECIMAL: decimal,
    Kind.TIMESTAMP: timestamp,
    Kind.DATE: lambda value: time.date() if (time := timestamp(value)) else None,
    Kind.TEXTS: texts,
}
"""Readers of what the row holds: the record has put it in order already."""


def reader_of_genesys(column: Column) -> Reader:
    """Return the reader of a column of what Genesys sent: ids and enumerations are as the record has them."""
    if column.kind == Kind.TEXT:
        if column.name in _WORDS:
            return word
        if column.name in _IDENTIFIERS or column.name.endswith("_id"):
            return identifier
    return sorted_texts if column.kind == Kind.TEXTS else STORED[column.kind]
