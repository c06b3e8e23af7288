"""The emulator with what its CloudFormation lacks: `python -m deployments.sandbox.emulator`.

It is configured as ministack is, by environment.

A sandbox aid for the pinned version of ministack, never EventBridge: it reaches into private names, and says
so when they are gone. What it adds:
- number parameters reach an event source mapping as text, and its poller compares the text with numbers;
- time to live and point-in-time recovery of a table are ignored by its CloudFormation;
- archives, connections and API destinations are there by API call only;
- it reads the text of a PartiQL statement anew each time, which takes three times as long as what it says.
"""

# ruff: noqa: SLF001  # private names are what it is about

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from ministack import app
from ministack.services import dynamodb, eventbridge, lambda_svc
from ministack.services.cloudformation import provisioners

PINNED = "1.5.33"
Properties = dict[str, Any]


def install() -> None:
    """Patch the emulator in this process; raises RuntimeError for any other version of it."""
    if (found := version("ministack")) != PINNED:
        raise RuntimeError(
            f"made for ministack {PINNED}, found {found}: check every aid, then change the pin"
        )
    lambda_svc._sqs_esm_concurrency = _concurrency_in_numbers(lambda_svc._sqs_esm_concurrency)
    dynamodb.parse_partiql_statement = _with_inserts_remembered(dynamodb.parse_partiql_statement)
    handlers = provisioners._RESOURCE_HANDLERS
    table = handlers["AWS::DynamoDB::Table"]
    table["create"] = _with_time_to_live(table["create"])
    handlers["AWS::Events::Archive"] = _by_call("Archive", "ArchiveName", {"SourceArn": "EventSourceArn"})
    handlers["AWS::Events::Connection"] = _by_call("Connection", "Name", {})
    handlers["AWS::Events::ApiDestination"] = _by_call("ApiDestination", "Name", {})


def _concurrency_in_numbers(original: Callable[..., int]) -> Callable[..., int]:
    def concurrency(mapping: Properties, *rest: Any, **named: Any) -> int:
        scaling = mapping.get("ScalingConfig") or {}
        if "MaximumConcurrency" in scaling:
            mapping["ScalingConfig"] = {"MaximumConcurrency": int(scaling["MaximumConcurrency"])}
        return original(mapping, *rest, **named)

    return concurrency


def _with_inserts_remembered(original: Callable[..., Properties]) -> Callable[..., Properties]:
    """Remember which attributes an INSERT of placeholders names; their values come with each call."""
    known: dict[str, Properties] = {}

    def parse(text: str, parameters: list[Any]) -> Properties:
        parsed = known.get(text)
        if parsed is not None and len(parsed["item"]) == len(parameters):
            return {**parsed, "item": dict(zip(parsed["item"], parameters, strict=True))}
        parsed = original(text, parameters)
        if parsed["op"] == "INSERT" and text.count("?") == len(parameters or ()) == len(parsed["item"]):
            known[text] = parsed
        return parsed

    return parse


def _with_time_to_live(
    original: Callable[..., tuple[str, Properties]],
) -> Callable[..., tuple[str, Properties]]:
    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
        name, attributes = original(logical_id, properties, stack)
        if spec := properties.get("TimeToLiveSpecification"):
            _demand(dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": spec}))
        if spec := properties.get("PointInTimeRecoverySpecification"):
            request = {"TableName": name, "PointInTimeRecoverySpecification": spec}
            _demand(dynamodb._update_continuous_backups(request))
        return name, attributes

    return create


def _by_call(noun: str, name_key: str, renamed: dict[str, str]) -> Properties:
    """Return a resource's provisioner that makes the same calls as boto3 would."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in noun)

    def request(name: str, properties: Properties) -> Properties:
        plain = {renamed.get(key, key): value for key, value in properties.items()}
        if isinstance(plain.get("EventPattern"), dict):
            plain["EventPattern"] = json.dumps(plain["EventPattern"])
        for key in ("RetentionDays", "InvocationRateLimitPerSecond"):
            if key in plain:
                plain[key] = int(plain[key])
        return {**plain, name_key: name}

    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
        name = properties.get(name_key) or provisioners._physical_name(stack, logical_id, max_len=48)
        _demand(getattr(eventbridge, f"_create{snake}")(request(name, properties)))
        return name, attributes(name)

    def update(physical_id: str, _old: Properties, new: Properties, _stack: str) -> tuple[str, Properties]:
        _demand(getattr(eventbridge, f"_update{snake}")(request(physical_id, new)))
        return physical_id, attributes(physical_id)

    def delete(physical_id: str, _properties: Properties) -> None:
        getattr(eventbridge, f"_delete{snake}")({name_key: physical_id})

    def attributes(name: str) -> Properties:
        answer = _demand(getattr(eventbridge, f"_describe{snake}")({name_key: name}))
        return {"Arn": answer[f"{noun}Arn"]}

    return {"create": create, "update": update, "delete": delete}


def _demand(answer: tuple[int, Any, Any]) -> Properties:
    status, _, body = answer
    if status >= HTTPStatus.BAD_REQUEST:
        raise ValueError(str(body))
    return dict(json.loads(body)) if body else {}


if __name__ == "__main__":
    install()
    app.main()
