"""The CloudFormation templates as plain data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cfnlint.decode import decode

INFRA = Path(__file__).parents[2] / "infra"


def read_template(name: str) -> dict[str, Any]:
    """Return a template as plain data, its intrinsic functions in their long form (`Fn::Sub`)."""
    found, problems = decode(str(INFRA / name))
    assert not problems
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def statements(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every policy statement below a node."""
    if isinstance(node, dict):
        if "Effect" in node:
            yield node
        for value in node.values():
            yield from statements(value)
    if isinstance(node, list):
        for value in node:
            yield from statements(value)


def as_list(value: Any) -> list[Any]:
    """Return one or many as many."""
    return value if isinstance(value, list) else [value]
