"""The template as data, and as the text that CloudFormation gets.

The file has comments and indentation, and CloudFormation takes 51,200 bytes in a request: it gets the same template as
JSON without either, and nothing has to be uploaded to look at a change.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML was built without libyaml; the other takes eight times as long
    from yaml import SafeLoader  # type: ignore[assignment]

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
MAX_BODY = 51_200  # bytes of a template in a request of CloudFormation
PLAIN_TAGS = {"Ref", "Condition"}  # the other functions' long forms begin with Fn::


class _Loader(SafeLoader):
    """YAML with CloudFormation's short forms: !Sub and the like."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in PLAIN_TAGS else f"Fn::{suffix}"
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    text = str(loader.construct_scalar(node))  # type: ignore[arg-type]  # no function takes a mapping
    return {name: text.split(".", 1) if suffix == "GetAtt" else text}


_Loader.add_multi_constructor("!", _function)


@cache
def parameters() -> dict[str, dict[str, Any]]:
    """Return the template's parameters by name: Type, Default, MinValue, ..."""
    return dict(load()["Parameters"])


def load(text: str | None = None) -> dict[str, Any]:
    """Return the template, or another text's, its functions in their long form; the caller may change it."""
    return dict(yaml.load(text or TEMPLATE.read_text(), _Loader))  # noqa: S506 - a SafeLoader with more tags


def body(template: dict[str, Any]) -> str:
    """Return the text for CloudFormation."""
    return json.dumps(template, separators=(",", ":"))
