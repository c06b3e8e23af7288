"""The template's parameters: their defaults, their values, and the checks that CloudFormation does not make."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from infra.errors import InvalidInput
from infra.stack import template
from tasks.values import canonical_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PARTNER = "aws.partner/genesys.com/"
MAX_PATTERN = 2048  # characters of an EventBridge event pattern
MAX_WILDCARDS = 4
"""Of detail-types in a pattern: "Rule is too complex" above 10, by the measure of event-ruler, which AWS runs.

Each counts for two, and one for three, because all begin alike; a filter of queues counts for one more.
"""
EMPTY_LIST = {"EventSources": "any", "QueueIds": "any", "SubnetIds": "none", "SecurityGroupIds": "none"}

BEFORE = {"RecordDays": "0"}
"""What a deployed stack has of parameters that are newer than it is: where it keeps something for ever, it goes on."""

Value = str | int | bool | list[str] | tuple[str, ...]


@cache
def defaults() -> dict[str, str | None]:
    """Return the default of each parameter of the template, None for one without."""
    return {
        name: str(field["Default"]) if "Default" in field else None
        for name, field in template.parameters().items()
    }


def complete(given: Mapping[str, Value], former: Mapping[str, str]) -> dict[str, str]:
    """Return every parameter: the given value, else the deployed one, else the default.

    A stack that is deployed already has in place of some new defaults what it has had so far (`BEFORE`).
    Raises InvalidInput for a parameter that the template does not have.
    """
    known = defaults()
    if unknown := sorted(set(given) - set(known)):
        raise InvalidInput(f"the template has no parameter {', '.join(unknown)}")
    merged = {name: value for name, value in known.items() if value is not None}
    if former:
        merged |= BEFORE
    merged |= {name: value for name, value in former.items() if name in known}
    return merged | {name: text(value) or EMPTY_LIST.get(name, "") for name, value in given.items()}


def check(values: Mapping[str, str]) -> None:
    """Raise InvalidInput for values that CloudFormation accepts and AWS rejects, or that would match no event."""
    for name in ("BusName", "PrefectApiUrl"):
        if not values.get(name):
            flag = {"BusName": "--bus", "PrefectApiUrl": "--prefect-api-url"}[name]
            raise InvalidInput(f"{name} is not given, and no deployed stack has one: give {flag}")
    _check_partner(values)
    for queue in split(values.get("QueueIds", "")):
        if canonical_id(queue) is None:
            raise InvalidInput(f"queue id {queue!r} is not a whole UUID, so it would match no event")
    wildcards = [name for name in split(values["DetailTypes"]) if "{id}" in name]
    if len(wildcards) > MAX_WILDCARDS and matches_ids(values):
        raise InvalidInput(
            f"AWS refuses a rule of {len(wildcards)} detail-types with any conversation's id in the place of {{id}}; "
            f"{MAX_WILDCARDS} are possible. Give fewer, or --set.ConcreteIds false: then {{id}} stands for itself "
            "only, which Genesys sends"
        )
    if len(pattern(values)) > MAX_PATTERN:
        raise InvalidInput(
            f"the rule's pattern would exceed {MAX_PATTERN} characters: fewer queue ids or detail-types, "
            "or filter after the fetch (--filter-at fetch)"
        )
    if bool(split(values.get("SubnetIds", ""))) != bool(split(values.get("SecurityGroupIds", ""))):
        raise InvalidInput(
            "subnets and security groups go together: give --subnet-id and --security-group-id"
        )


def check_database(stack: str, values: Mapping[str, str]) -> None:
    """Raise InvalidInput when the Glue database of a stack of this name would not have the stack's name."""
    if values["Analytics"] == "true" and stack != stack.lower():
        raise InvalidInput(
            f"stack name {stack!r} has capital letters, which a Glue database cannot have: choose another with "
            "--stack, or deploy without analytics (--set.Analytics false)"
        )


def _check_partner(values: Mapping[str, str]) -> None:
    name = values["BusName"]
    if values.get("BusMode") == "partner" and name.removeprefix(PARTNER) in {"", name}:
        raise InvalidInput(
            f"bus {name!r} is not an event source of Genesys, which --bus-mode partner requires: give the "
            f"full name (--bus {PARTNER}cloud/...; `aws events list-event-sources` lists them), or --bus-mode own "
            "or existing"
        )


def pattern(values: Mapping[str, str]) -> str:
    """Return the rule's event pattern, as the template builds it from the parameters."""
    sources: Sequence[object] = split(values["EventSources"]) or [{"prefix": values["EventSourcePrefix"]}]
    built: dict[str, object] = {"source": sources, "detail-type": detail_types(values)}
    if queues := split(values["QueueIds"]):
        built["detail"] = {"$or": [{"eventBody": {"queueId": queues}}, {"queueId": queues}]}
    return json.dumps(built, separators=(",", ":"))


def detail_types(values: Mapping[str, str]) -> Sequence[str | dict[str, str]]:
    """Return the pattern's detail-types: wildcards where a conversation's id may stand in the place of {id}."""
    names = split(values["DetailTypes"])
    if not matches_ids(values):
        return names
    return [{"wildcard": name.replace("{id}", "*")} for name in names]


def matches_ids(values: Mapping[str, str]) -> bool:
    """Return whether the rule matches a conversation's id in the place of {id}; a stack of 0.1.0 does not."""
    return values.get("ConcreteIds") == "true"


def text(value: Value) -> str:
    """Return a parameter's value in CloudFormation's form: booleans in lower case, lists joined by commas."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list | tuple) else str(value)


def split(value: str) -> list[str]:
    """Return a list parameter's elements; none for `any` and `none`, which stand for an empty list."""
    elements = [part.strip() for part in value.split(",")]
    return [element for element in elements if element and element not in EMPTY_LIST.values()]
