"""The filters of a details query: parsed from its body, then evaluated for a conversation or a segment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.http.errors import bad_request
from deployments.sandbox.genesys.queries.predicate_fields import (
    NUMERIC_DIMENSIONS,
    OPERATORS,
    PROPERTY_TYPES,
    PredicateFields,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deployments.sandbox.genesys.conversations import Json

    ValueOf = Callable[[str], Any]  # name of a dimension, metric or property -> its value, or None

PROPERTY = "properties."  # before the name of a segment's property, where a value is asked for
_COMBINE: dict[str, Callable[[Iterable[bool]], bool]] = {"and": all, "or": any}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


@dataclass(frozen=True, slots=True)
class Predicate:
    """One comparison; `value` is in lower case, `bounds` are the limits of a range."""

    name: str
    operator: str
    value: str
    bounds: dict[str, float] = field(default_factory=dict)

    def holds(self, value_of: ValueOf) -> bool:
        """Return whether it is true; a list of values matches if one of them does."""
        value = value_of(self.name)
        values = value if isinstance(value, list) else [] if value is None else [value]
        if self.operator != "matches":
            return bool(values) == (self.operator == "exists")
        return any(self._matches(each) for each in values)

    def _matches(self, value: Any) -> bool:
        if not self.bounds:
            return str(value).lower() == self.value
        return isinstance(value, int | float) and all(
            _COMPARE[name](value, bound) for name, bound in self.bounds.items()
        )


@dataclass(frozen=True, slots=True)
class Filter:
    """Predicates and clauses, combined with and or or."""

    combine: Callable[[Iterable[bool]], bool]
    parts: tuple[Predicate | Filter, ...]

    def holds(self, value_of: ValueOf) -> bool:
        """Return whether it is true."""
        return self.combine(part.holds(value_of) for part in self.parts)


def filters(body: Json, name: str, fields: PredicateFields) -> tuple[Filter, ...]:
    """Return the filters that a body has under a name. Raises a 400 ApiError if one is wrong."""
    return tuple(_filter(each, name, fields, clauses=True) for each in _objects(body, name))


def reject_unknown_fields(given: Json, known: Iterable[str]) -> None:
    """Raise a 400 ApiError if an object has a field that is not known."""
    for name in given.keys() - set(known):
        raise bad_request(f"Unknown field: {name[:60]}", "invalid.property")


def _objects(given: Json, name: str) -> list[Json]:
    listed = given.get(name) or []
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise bad_request(f"{name} must be a list of objects.", "invalid.property")
    return listed


def _filter(given: Json, name: str, fields: PredicateFields, *, clauses: bool) -> Filter:
    reject_unknown_fields(given, ("type", "predicates", "clauses") if clauses else ("type", "predicates"))
    combine = _COMBINE.get(str(given.get("type", "and")).lower())
    if combine is None:
        raise bad_request("A filter's type must be and or or.", "invalid.value")
    parts: list[Predicate | Filter] = [_predicate(each, fields) for each in _objects(given, "predicates")]
    if clauses:
        parts += [_filter(each, "clauses", fields, clauses=False) for each in _objects(given, "clauses")]
    if not parts:
        raise bad_request(f"Each of {name} must have predicates or clauses.", "constraint.validation")
    return Filter(combine, tuple(parts))


def _predicate(given: Json, fields: PredicateFields) -> Predicate:
    reject_unknown_fields(given, ("type", *fields.subjects, "propertyType", "operator", "value", "range"))
    kind, name = _subject(given, fields)
    operator = given.get("operator") or "matches"
    if operator not in OPERATORS:
        raise bad_request(f"operator must be one of {', '.join(OPERATORS)}.", "invalid.value")
    value, bounds = _value(given.get("value")), _bounds(given.get("range") or {})
    if operator == "matches" and value is None and not bounds:
        raise bad_request(f"A predicate that matches {name} must have a value or a range.", "invalid.value")
    if bounds and kind != "metric" and name not in NUMERIC_DIMENSIONS:
        raise bad_request(f"{name} is not a number and cannot have a range.", "invalid.value")
    return Predicate(name, operator, value or "", bounds)


def _subject(given: Json, fields: PredicateFields) -> tuple[str, str]:
    """Return whether a predicate is about a dimension, metric or property, and its name."""
    subjects = [(kind, given[kind]) for kind in fields.subjects if given.get(kind) is not None]
    if len(subjects) != 1:
        raise bad_request(f"A predicate must have one of {', '.join(fields.subjects)}.", "invalid.property")
    kind, name = subjects[0]
    if given.get("type") not in (None, kind):
        raise bad_request(f"The type of a predicate with a {kind} must be {kind}.", "invalid.value")
    if kind == "property":
        return kind, _property(name, given.get("propertyType"))
    if not isinstance(name, str) or name not in (fields.metrics if kind == "metric" else fields.dimensions):
        raise bad_request(f"Unknown {kind}: {str(name)[:60]}", "invalid.property")
    return kind, name


def _property(name: Any, kind: Any) -> str:
    if not isinstance(name, str) or kind not in (None, *PROPERTY_TYPES):
        text = f"property must be a string and propertyType one of {', '.join(PROPERTY_TYPES)}."
        raise bad_request(text, "invalid.property")
    return PROPERTY + name


def _value(value: Any) -> str | None:
    if value is not None and not isinstance(value, str | int | float):
        raise bad_request("A predicate's value must be a string.", "invalid.value")
    return None if value is None else str(value).lower()


def _bounds(given: Any) -> dict[str, float]:
    if not isinstance(given, dict) or not all(
        name in _COMPARE and isinstance(bound, int | float) and not isinstance(bound, bool)
        for name, bound in given.items()
    ):
        raise bad_request(f"range must hold numbers: {', '.join(_COMPARE)}.", "invalid.value")
    return given
