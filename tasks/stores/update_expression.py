"""An update expression of DynamoDB, put together clause by clause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Self

from tasks.stores.typed_json import to_dynamodb


class UpdateExpression:
    """The clauses SET, REMOVE and ADD; names and values are placeholders, so no reserved word can occur."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self._clauses: dict[str, list[str]] = {"SET": [], "REMOVE": [], "ADD": []}

    def name(self, attribute: str) -> str:
        """Return the placeholder of an attribute's name."""
        placeholder = f"#{attribute}"
        self.names[placeholder] = attribute
        return placeholder

    def value(self, key: str, value: Any) -> str:
        """Return the placeholder of a value."""
        placeholder = f":{key}"
        self.values[placeholder] = to_dynamodb(value)
        return placeholder

    def set(self, values: Mapping[str, Any]) -> Self:
        """Set attributes; None is skipped: an absent field is absent, never null."""
        for key, value in values.items():
            if value is not None:
                self._clauses["SET"].append(f"{self.name(key)} = {self.value(key, value)}")
        return self

    def set_expression(self, expression: str) -> Self:
        """Set an attribute to the result of a function: `#name = function(...)`."""
        self._clauses["SET"].append(expression)
        return self

    def set_once(self, attribute: str, value: Any) -> Self:
        """Set an attribute that the item does not have."""
        name = self.name(attribute)
        return self.set_expression(f"{name} = if_not_exists({name}, {self.value(attribute, value)})")

    def remove(self, attributes: Iterable[str]) -> Self:
        """Remove attributes."""
        self._clauses["REMOVE"] += [self.name(attribute) for attribute in attributes]
        return self

    def remove_first(self, attribute: str) -> Self:
        """Remove the first element of a list."""
        self._clauses["REMOVE"].append(f"{self.name(attribute)}[0]")
        return self

    def add(self, attribute: str, amount: int | AbstractSet[str]) -> Self:
        """Add to a counter, or elements to a set."""
        self._clauses["ADD"].append(f"{self.name(attribute)} {self.value(f'add_{attribute}', amount)}")
        return self

    def arguments(self, *conditions: str) -> dict[str, Any]:
        """Return the keyword arguments of update_item; all conditions must hold."""
        clauses = (f"{verb} {', '.join(parts)}" for verb, parts in self._clauses.items() if parts)
        arguments: dict[str, Any] = {
            "UpdateExpression": " ".join(clauses),
            "ExpressionAttributeNames": self.names,
        }
        if self.values:  # DynamoDB refuses an empty map
            arguments["ExpressionAttributeValues"] = self.values
        if conditions:
            arguments["ConditionExpression"] = " AND ".join(f"({condition})" for condition in conditions)
        return arguments
