"""What a sandbox has stored: the rows of its tables, and one as text to read."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from deployments.sandbox.sandbox import Sandbox

_WIDTH = 80  # characters of a line
_INDENT = 2
_deserialize = TypeDeserializer().deserialize


def rows(sandbox: Sandbox, table: str) -> list[dict[str, Any]]:
    """Return every row of a table."""
    pages = sandbox.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [{k: _deserialize(v) for k, v in item.items()} for page in pages for item in page["Items"]]


def interactions(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """Return the rows of the interactions by their ids."""
    return {row["interactionId"]: row for row in rows(sandbox, sandbox.addresses.interaction_table)}


def row_text(row: dict[str, Any]) -> str:
    """Return a row as JSON of 80 columns: in one line what fits into one, a set as a sorted list."""
    return _laid_out(row, 0, 0)


def _laid_out(value: Any, indent: int, before: int) -> str:
    """Return the JSON of a value that begins after so many characters of its line."""
    line = json.dumps(value, default=_plain, sort_keys=True, ensure_ascii=False)
    if not isinstance(value, dict | list) or before + len(line) < _WIDTH:
        return line
    inner = indent + _INDENT
    if isinstance(value, dict):
        names = ((json.dumps(name) + ": ", each) for name, each in sorted(value.items()))
        parts = [name + _laid_out(each, inner, inner + len(name)) for name, each in names]
    else:
        parts = [_laid_out(each, inner, inner) for each in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    lines = ",\n".join(" " * inner + part for part in parts)
    return f"{first}\n{lines}\n{' ' * indent}{last}"


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return sorted(value) if isinstance(value, set) else str(value)
