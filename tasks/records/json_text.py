"""JSON text that holds each number exactly, also one that no double holds."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any


def json_text(value: Any) -> str:
    """Return JSON, a Decimal in it as the number that it is; one that is not finite is null."""
    try:
        return json.dumps(value, separators=(",", ":"), default=_double)
    except OverflowError:
        return _exact(value)


def _double(value: Any) -> int | float | None:
    """Return a number that is equal and that json writes, which is five times as fast as `_exact`.

    Raises OverflowError for a number that has more digits than a double.
    """
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is no JSON value")
    if not value.is_finite():
        return None
    double = float(value)
    if double != value or Decimal(repr(double)) != value:
        raise OverflowError("more digits than a double has")
    return int(double) if double.is_integer() else double


def _exact(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_exact(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_exact, value)) + "]"
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    return json_text(value)
