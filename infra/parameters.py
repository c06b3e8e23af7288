"""The template's parameters: their defaults, what is given, and what AWS would make of them."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from infra.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEMPLATE = Path(__file__).with_name("template.yaml")
PARTNER = "aws.partner/genesys.com/"
PATTERN_LIMIT = 2048  # characters of an EventBridge event pattern
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
NO_LIST = {"EventSources": "any", "QueueIds": "any", "SubnetIds": "none", "SecurityGroupIds": "none"}

Value = str | int | bool | list[str] | tuple[str, ...]


@cache
def defaults() -> dict[str, str | None]:
    """Return the template's parameters with their defaults, None where there is none."""
    # This section alone is plain YAML: the others hold CloudFormation's own tags.
    section = TEMPLATE.read_text().split("\nParameters:\n")[1]
    plain = re.split(r"^(?=[A-Z#])", section, maxsplit=1, flags=re.MULTILINE)[0]
    return {
        name: str(field["Default"]) if "Default" in field else None
        for name, field in yaml.safe_load(plain).items()
    }


def complete(given: Mapping[str, Value], former: Mapping[str, str]) -> dict[str, str]:
    """Return what is given, for the rest what is deployed, for the rest of that the defaults.

    Raises InvalidInput for a parameter that the template does not have.
    """
    known = defaults()
    if unknown := sorted(set(given) - set(known)):
        raise InvalidInput(f"the template has no parameter {', '.join(unknown)}")
    merged = {name: value for name, value in known.items() if value is not None}
    merged |= {name: value for name, value in former.items() if name in known}
    return merged | {name: text(value) or NO_LIST.get(name, "") for name, value in given.items()}


def check(values: Mapping[str, str]) -> None:
    """Raise InvalidInput for what CloudFormation would accept and AWS refuse, or what would match nothing."""
    for name in ("BusName", "PrefectApiUrl"):
        if not values.get(name):
            flag = {"BusName": "--bus", "PrefectApiUrl": "--prefect-api-url"}[name]
            raise InvalidInput(f"{name} is not given, and nothing is deployed to take it from: give {flag}")
    _check_partner(values)
    for queue in split(values.get("QueueIds", "")):
        if not UUID.fullmatch(queue):
            raise InvalidInput(f"queue id {queue!r} is not a whole UUID, so it would match no event")
    if len(pattern(values)) > PATTERN_LIMIT:
        raise InvalidInput(
            f"the rule's pattern would exceed {PATTERN_LIMIT} characters: fewer queue ids or detail-types, "
            "or filter after the fetch (--filter-at fetch)"
        )
    if bool(split(values.get("SubnetIds", ""))) != bool(split(values.get("SecurityGroupIds", ""))):
        raise InvalidInput(
            "subnets and security groups go together: give --subnet-id and --security-group-id"
        )


def _check_partner(values: Mapping[str, str]) -> None:
    name = values["BusName"]
    if values.get("BusMode") == "partner" and name.removeprefix(PARTNER) in {"", name}:
        raise InvalidInput(
            f"bus {name!r} is no event source of Genesys's, as --bus-mode partner wants it: give the "
            f"whole name (--bus {PARTNER}cloud/...; `aws events list-event-sources` lists them), or --bus-mode own "
            "or existing"
        )


def pattern(values: Mapping[str, str]) -> str:
    """Return the rule's event pattern as the template makes it of the parameters."""
    sources: Sequence[object] = split(values["EventSources"]) or [{"prefix": values["EventSourcePrefix"]}]
    built: dict[str, object] = {"source": sources, "detail-type": split(values["DetailTypes"])}
    if queues := split(values["QueueIds"]):
        built["detail"] = {"$or": [{"eventBody": {"queueId": queues}}, {"queueId": queues}]}
    return json.dumps(built, separators=(",", ":"))


def text(value: Value) -> str:
    """Return a parameter's value as CloudFormation wants it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list | tuple) else str(value)


def split(value: str) -> list[str]:
    """Return a list parameter's elements, none for the word that stands for no list."""
    elements = [part.strip() for part in value.split(",")]
    return [element for element in elements if element and element not in NO_LIST.values()]
