"""Options: what a body of /_sim may hold. All else is a ValueError that names the field and what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from deployments.sandbox.genesys.scene import epoch_ms

Reader = Callable[[Any], Any]


def read(given: Any, readers: Mapping[str, Reader], where: str = "") -> dict[str, Any]:
    """Return the fields of an object, each as its reader makes it; errors begin with `where`."""
    if not isinstance(given, dict):
        raise ValueError(f"{where}wanted a JSON object")  # noqa: TRY004 - a ValueError is answered with 400
    for name in given.keys() - readers.keys():
        known = ", ".join(sorted(readers)) or "none"
        raise ValueError(f"{where}no such field: {name[:60]}; there are {known}")
    return {name: _field(readers[name], value, f"{where}{name}: ") for name, value in given.items()}


def _field(reader: Reader, value: Any, where: str) -> Any:
    try:
        return reader(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}{error}") from error


def whole(most: int) -> Reader:
    """Return the reader of a whole number from 0 to `most`."""

    def reader(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise ValueError(f"wanted a whole number from 0 to {most}")
        return value

    return reader


def one_of(*choices: Any) -> Reader:
    """Return the reader of one of the choices."""

    def reader(value: Any) -> Any:
        if value not in choices:
            raise ValueError(f"wanted one of {', '.join(map(str, choices))}")
        return value

    return reader


def text(value: Any) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise TypeError("wanted a string")
    return value


def texts(value: Any) -> list[str]:
    """Return a list of strings."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError("wanted a list of strings")
    return value


def time(value: Any) -> int:
    """Return a time as epoch ms."""
    try:
        return epoch_ms(text(value))
    except (TypeError, ValueError) as error:
        raise ValueError("wanted a time such as 2026-01-15T00:00:00Z") from error


def canonical(identifier: str) -> str | None:
    """Return a conversation id in its canonical form, None for what is no UUID."""
    try:
        return str(UUID(identifier))
    except ValueError:
        return None


def ids(value: Any) -> list[str]:
    """Return conversation ids in their canonical form."""
    listed = value if isinstance(value, list) else [None]
    found = [canonical(each) if isinstance(each, str) else None for each in listed]
    if None in found:
        raise ValueError("wanted a list of UUIDs")
    return [each for each in found if each]
