"""Predicates: the filters of a details query, as they were asked for and whether a conversation passes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.errors import bad_request
from deployments.sandbox.genesys.vocabulary import NUMBERS, OPERATORS, PROPERTY_TYPES, Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deployments.sandbox.genesys.scene import Json

    Values = Callable[[str], Any]  # the value of a dimension, metric or property; None where there is none

_COMBINE: dict[str, Callable[[Iterable[bool]], bool]] = {"and": all, "or": any}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


@dataclass(frozen=True, slots=True)
class Predicate:
    """One comparison."""

    name: str
    operator: str
    value: str
    bounds: dict[str, float] = field(default_factory=dict)

    def holds(self, value_of: Values) -> bool:
        """Return whether it is true; of a list of values one has to match."""
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
    """Predicates and clauses, of which all or one must hold."""

    combine: Callable[[Iterable[bool]], bool]
    parts: tuple[Predicate | Filter, ...]

    def holds(self, value_of: Values) -> bool:
        """Return whether it is true."""
        return self.combine(part.holds(value_of) for part in self.parts)


def filters(body: Json, name: str, words: Vocabulary) -> tuple[Filter, ...]:
    """Return the filters that a query's body has under a name, or raise what is wrong with them."""
    return tuple(_filter(each, name, words, clauses=True) for each in _objects(body, name))


def only(given: Json, fields: Iterable[str]) -> None:
    """Refuse an object that has other fields."""
    for name in given.keys() - set(fields):
        raise bad_request(f"Unknown field: {name[:60]}", "invalid.property")


def _objects(given: Json, name: str) -> list[Json]:
    listed = given.get(name) or []
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise bad_request(f"{name} must be a list of objects.", "invalid.property")
    return listed


def _filter(given: Json, name: str, words: Vocabulary, *, clauses: bool) -> Filter:
    only(given, ("type", "predicates", "clauses") if clauses else ("type", "predicates"))
    combine = _COMBINE.get(str(given.get("type", "and")).lower())
    if combine is None:
        raise bad_request("A filter's type must be and or or.", "invalid.value")
    parts: list[Predicate | Filter] = [_predicate(each, words) for each in _objects(given, "predicates")]
    if clauses:
        parts += [_filter(each, "clauses", words, clauses=False) for each in _objects(given, "clauses")]
    if not parts:
        raise bad_request(f"Each of {name} must have predicates or clauses.", "constraint.validation")
    return Filter(combine, tuple(parts))


def _predicate(given: Json, words: Vocabulary) -> Predicate:
    only(given, ("type", *words.subjects, "propertyType", "operator", "value", "range"))
    kind, name = _subject(given, words)
    operator = given.get("operator") or "matches"
    if operator not in OPERATORS:
        raise bad_request(f"operator must be one of {', '.join(OPERATORS)}.", "invalid.value")
    value, bounds = _value(given.get("value")), _bounds(given.get("range") or {})
    if operator == "matches" and value is None and not bounds:
        raise bad_request(f"A predicate that matches {name} must have a value or a range.", "invalid.value")
    if bounds and kind != "metric" and name not in NUMBERS:
        raise bad_request(f"{name} is no number: it can have no range.", "invalid.value")
    return Predicate(name, operator, value or "", bounds)


def _subject(given: Json, words: Vocabulary) -> tuple[str, str]:
    """Return what a predicate is about: dimension, metric or property, and its name."""
    subjects = [(kind, given[kind]) for kind in words.subjects if given.get(kind) is not None]
    if len(subjects) != 1:
        raise bad_request(f"A predicate must have one of {', '.join(words.subjects)}.", "invalid.property")
    kind, name = subjects[0]
    if given.get("type") not in (None, kind):
        raise bad_request(f"The type of a predicate with a {kind} must be {kind}.", "invalid.value")
    if kind == "property":
        return kind, _property(name, given.get("propertyType"))
    if not isinstance(name, str) or name not in (words.metrics if kind == "metric" else words.dimensions):
        raise bad_request(f"Unknown {kind}: {str(name)[:60]}", "invalid.property")
    return kind, name


def _property(name: Any, kind: Any) -> str:
    if not isinstance(name, str) or kind not in (None, *PROPERTY_TYPES):
        text = f"property must be a string and propertyType one of {', '.join(PROPERTY_TYPES)}."
        raise bad_request(text, "invalid.property")
    return f"properties.{name}"  # of which no simulated segment has any


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
