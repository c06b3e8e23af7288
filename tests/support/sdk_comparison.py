"""The JSON that the simulator sent beside the model that Genesys's Python SDK parsed of it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

# The SDK's replacement for an unknown enum value.
UNKNOWN_ENUM = "outdated_sdk_version"
NATIVE: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "float": (float, int),
    "str": str,
    "bool": bool,
    "datetime": date,
    "object": object,
}


class SdkComparison:
    """Compares the JSON that the simulator sent with the model that the SDK parsed."""

    def __init__(self, sdk: Any) -> None:
        self._models = sdk.models
        self.fields = 0
        self.problems: set[str] = set()

    def compare(self, kind: str, sent: Any, parsed: Any, where: str) -> None:
        """Collect the fields that the SDK does not know or parsed differently."""
        self.fields += 1
        if sent is None and parsed is None:
            return
        inner = re.fullmatch(r"(list)\[(.*)\]|(dict)\([^,]*, (.*)\)", kind)
        if inner and inner[1]:
            self._compare_list(inner[2], sent, parsed, where)
        elif inner:
            self._compare_dict(inner[4], sent, parsed, where)
        elif kind in NATIVE:
            self._compare_value(kind, sent, parsed, where)
        else:
            self._compare_model(kind, sent, parsed, where)

    def _compare_list(self, kind: str, sent: Any, parsed: Any, where: str) -> None:
        if not isinstance(sent, list) or len(sent) != len(parsed):
            self.problems.add(f"{where}: no list")
            return
        for each, ours in zip(sent, parsed, strict=True):
            self.compare(kind, each, ours, f"{where}[]")

    def _compare_dict(self, kind: str, sent: Any, parsed: Any, where: str) -> None:
        if not isinstance(sent, dict) or set(sent) != set(parsed):
            self.problems.add(f"{where}: no map")
            return
        for name, each in sent.items():
            self.compare(kind, each, parsed[name], f"{where}.{name}")

    def _compare_value(self, kind: str, sent: Any, parsed: Any, where: str) -> None:
        wanted = NATIVE[kind]
        if not isinstance(parsed, wanted) or (kind != "bool" and isinstance(sent, bool)):
            self.problems.add(f"{where}: {type(sent).__name__} instead of {kind}")
        elif kind != "datetime" and parsed != sent:
            self.problems.add(
                f"{where}: {UNKNOWN_ENUM if parsed == UNKNOWN_ENUM else 'another value'} for {sent!r}"
            )

    def _compare_model(self, kind: str, sent: Any, parsed: Any, where: str) -> None:
        model = getattr(self._models, kind)()
        attributes = {name: attribute for attribute, name in model.attribute_map.items()}
        for name, each in sent.items():
            if name not in attributes:
                self.problems.add(f"{where}.{name}: not in {kind}")
                continue
            attribute = attributes[name]
            value = getattr(parsed, attribute)
            self.compare(model.swagger_types[attribute], each, value, f"{where}.{name}")


def check(sdk: Any, kind: str, sent: Any, parsed: Any) -> int:
    """Assert that the SDK parsed every field; the number of fields."""
    comparison = SdkComparison(sdk)
    comparison.compare(kind, sent, parsed, kind)
    assert sorted(comparison.problems) == []
    return comparison.fields
