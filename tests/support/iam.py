"""What IAM decides: policies as JSON, and whether they allow a request, its condition keys included."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from tests.support.templates import INFRA, as_list

Statement = dict[str, Any]
DEPLOYER = ("deployer-policy.json", "deployer-data-policy.json")
BOUNDARIES = ("permissions-boundary.json", "worker-boundary.json")
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": fnmatchcase,
}


def read_policy(*names: str) -> list[Statement]:
    """Return the statements of policy files of `infra/`."""
    return [each for name in names for each in json.loads((INFRA / name).read_text())["Statement"]]


def allows(
    policy: Iterable[Statement], action: str, resource: str, context: Mapping[str, Any] | None = None
) -> bool:
    """Return whether a request is allowed: some statement allows it and none denies it.

    `context` holds the request's condition keys; a key that is absent from it is absent from the request.
    """
    effects = {each["Effect"] for each in policy if _matches(each, action, resource, context or {})}
    return effects == {"Allow"}


def names(statement: Statement, action: str, resource: str | None = None) -> bool:
    """Return whether a statement is about the action, on the resource if one is given; conditions are ignored."""
    return any(fnmatchcase(action.lower(), each.lower()) for each in as_list(statement["Action"])) and (
        resource is None or any(fnmatchcase(resource, each) for each in as_list(statement["Resource"]))
    )


def _matches(statement: Statement, action: str, resource: str, context: Mapping[str, Any]) -> bool:
    return names(statement, action, resource) and all(
        _holds(operator, context.get(key), as_list(wanted))
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, given: Any, wanted: list[str]) -> bool:
    """Return whether a condition holds; an operator that is not known here is an error."""
    quantifier, _, name = operator.rpartition(":")
    compare = _OPERATORS[name]
    values = [] if given is None else as_list(given)
    found = [any(compare(str(value), each) for each in wanted) for value in values]
    if quantifier == "ForAllValues":
        return all(found)
    return any(found) if quantifier == "ForAnyValue" else found == [True]
