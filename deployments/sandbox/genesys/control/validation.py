"""Readers that validate the fields of a /_sim body. Each raises an error that says what it expects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from deployments.sandbox.genesys.conversations.timestamps import epoch_ms

Reader = Callable[[Any], Any]


def read_fields(given: Any, readers: Mapping[str, Reader], where: str = "") -> dict[str, Any]:
    """Return an object's fields, each converted by its reader. Raises ValueError: `where`, the field, what is wrong."""
    if not isinstance(given, dict):
        raise ValueError(f"{where}expected a JSON object")  # noqa: TRY004 - a ValueError is answered with 400
    for name in given.keys() - readers.keys():
        known = ", ".join(sorted(readers)) or "none"
        raise ValueError(f"{where}no such field: {name[:60]}; there are {known}")
    return {name: _field(readers[name], value, f"{where}{name}: ") for name, value in given.items()}


def _field(reader: Reader, value: Any, where: str) -> Any:
    try:
        return reader(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}{error}") from error


def whole_number(maximum: int) -> Reader:
    """Return the reader of a whole number from 0 to `maximum`."""

    def reader(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= maximum:
            raise ValueError(f"expected a whole number from 0 to {maximum}")
        return value

    return reader


def one_of(*choices: Any) -> Reader:
    """Return the reader of one of the choices."""

    def reader(value: Any) -> Any:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(map(str, choices))}")
        return value

    return reader


def text(value: Any) -> str:
    """Read a string."""
    if not isinstance(value, str):
        raise TypeError("expected a string")
    return value


def text_list(value: Any) -> list[str]:
    """Read a list of strings."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError("expected a list of strings")
    return value


def epoch_time(value: Any) -> int:
    """Read an ISO 8601 time as epoch ms."""
    try:
        return epoch_ms(text(value))
    except (TypeError, ValueError) as error:
        raise ValueError("expected a time such as 2026-01-15T00:00:00Z") from error


def canonical_id(identifier: str) -> str | None:
    """Return a UUID in lower case with dashes, None for anything else."""
    try:
        return str(UUID(identifier))
    except ValueError:
        return None


def conversation_ids(value: Any) -> list[str]:
    """Read a list of UUIDs, in lower case with dashes."""
    listed = value if isinstance(value, list) else [None]
    found = [canonical_id(each) if isinstance(each, str) else None for each in listed]
    if None in found:
        raise ValueError("expected a list of UUIDs")
    return [each for each in found if each]
