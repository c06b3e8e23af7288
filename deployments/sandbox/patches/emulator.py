"""The AWS emulator with patches: `python -m deployments.sandbox.patches.emulator`, configured as ministack is.

It patches private names of the pinned version, and refuses to start with any other. What it repairs:
- an event source mapping's number parameters arrive as text, and its poller compares them with numbers;
- its CloudFormation ignores time to live and point-in-time recovery of a table;
- its CloudFormation creates and deletes any number of a table's indexes in one update, where DynamoDB refuses it;
- its CloudFormation has no archives, connections and API destinations, though its API has them;
- its CloudFormation takes over no existing Glue database, bucket policy or bucket (as if that were to be made);
- its CloudWatch knows no ages of SQS's messages;
- it takes no metrics out of a function's log (`embedded_metrics.py`);
- it parses a PartiQL statement at each call, which takes three times as long as executing it.
"""

# ruff: noqa: SLF001  # patches private names

from __future__ import annotations

import json
import time
from collections.abc import Callable, Container
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from ministack import app
from ministack.services import cloudwatch, dynamodb, eventbridge, glue, lambda_svc, s3, sqs
from ministack.services.cloudformation import changesets, provisioners, stacks

from deployments.sandbox.patches.embedded_metrics import with_metrics

PINNED = "1.5.33"
_RECEIVED_TOO_OFTEN = 3  # SQS leaves a message out of the ages once it was received so often
Properties = dict[str, Any]


def install() -> None:
    """Patch the emulator in this process. Raises RuntimeError if it is not the pinned version."""
    if (found := version("ministack")) != PINNED:
        raise RuntimeError(
            f"made for ministack {PINNED}, found {found}: check every patch, then change PINNED"
        )
    lambda_svc._sqs_esm_concurrency = _concurrency_in_numbers(lambda_svc._sqs_esm_concurrency)
    lambda_svc._emit_lambda_logs = with_metrics(lambda_svc._emit_lambda_logs)
    dynamodb.parse_partiql_statement = _caching_inserts(dynamodb.parse_partiql_statement)
    cloudwatch._get_metric_statistics = _with_ages_of_messages(cloudwatch._get_metric_statistics)
    handlers = provisioners._RESOURCE_HANDLERS
    table = handlers["AWS::DynamoDB::Table"]
    table["create"] = _with_time_to_live(table["create"])
    table["update"] = _with_one_index_change(table["update"])
    handlers["AWS::Events::Archive"] = _provisioner("Archive", "ArchiveName", {"SourceArn": "EventSourceArn"})
    provisioners._REPLACING_PROPERTIES["AWS::Events::Archive"] = ("SourceArn",)
    imports = changesets._IMPORT_LOOKUPS
    handlers["AWS::Glue::Database"]["import"] = lambda found: (found["DatabaseName"], {})
    imports["AWS::Glue::Database"] = (("DatabaseName",), lambda name: _missing(name, glue._databases))
    handlers["AWS::S3::BucketPolicy"]["import"] = lambda found: (found["Bucket"], {})
    imports["AWS::S3::BucketPolicy"] = (("Bucket",), lambda name: _missing(name, s3._bucket_policies))
    stacks._validation_errors = _without_name_conflicts(stacks._validation_errors)
    handlers["AWS::Events::Connection"] = _provisioner("Connection", "Name", {})
    handlers["AWS::Events::ApiDestination"] = _provisioner("ApiDestination", "Name", {})


def _concurrency_in_numbers(original: Callable[..., int]) -> Callable[..., int]:
    def concurrency(mapping: Properties, *rest: Any, **named: Any) -> int:
        scaling = mapping.get("ScalingConfig") or {}
        if "MaximumConcurrency" in scaling:
            mapping["ScalingConfig"] = {"MaximumConcurrency": int(scaling["MaximumConcurrency"])}
        return original(mapping, *rest, **named)

    return concurrency


def _with_ages_of_messages(original: Callable[..., Any]) -> Callable[..., Any]:
    """Put the age of each queue's oldest message in before the statistics are asked for, as of a moment ago."""

    def statistics(*request: Any) -> Any:
        now = time.time()
        for queue in sqs._queues.values():
            sent = [
                each["sent_at"] for each in queue["messages"] if each["receive_count"] < _RECEIVED_TOO_OFTEN
            ]
            if sent:
                name, age = {"QueueName": queue["name"]}, now - min(sent)
                datum = ("AWS/SQS", "ApproximateAgeOfOldestMessage", name, now - 1, "Seconds", age)
                cloudwatch._store_datum(*datum, None, None, None)
        return original(*request)

    return statistics


def _caching_inserts(original: Callable[..., Properties]) -> Callable[..., Properties]:
    """Cache the parsed INSERT statements whose values are all placeholders."""
    cache: dict[str, Properties] = {}

    def parse(text: str, parameters: list[Any]) -> Properties:
        parsed = cache.get(text)
        if parsed is not None and len(parsed["item"]) == len(parameters):
            return {**parsed, "item": dict(zip(parsed["item"], parameters, strict=True))}
        parsed = original(text, parameters)
        if parsed["op"] == "INSERT" and text.count("?") == len(parameters or ()) == len(parsed["item"]):
            cache[text] = parsed
        return parsed

    return parse


def _with_time_to_live(
    original: Callable[..., tuple[str, Properties]],
) -> Callable[..., tuple[str, Properties]]:
    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
        name, attributes = original(logical_id, properties, stack)
        if spec := properties.get("TimeToLiveSpecification"):
            _checked(dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": spec}))
        if spec := properties.get("PointInTimeRecoverySpecification"):
            request = {"TableName": name, "PointInTimeRecoverySpecification": spec}
            _checked(dynamodb._update_continuous_backups(request))
        return name, attributes

    return create


def _with_one_index_change(original: Callable[..., Any]) -> Callable[..., Any]:
    def update(physical_id: str, old: Properties, new: Properties, *rest: Any, **named: Any) -> Any:
        before, after = (
            {index["IndexName"]: index for index in each.get("GlobalSecondaryIndexes", ())}
            for each in (old, new)
        )
        if sum(before.get(name) != after.get(name) for name in before | after) > 1:
            raise ValueError("Cannot perform more than one GSI creation or deletion in a single update")
        return original(physical_id, old, new, *rest, **named)

    return update


def _provisioner(noun: str, name_key: str, renamed: dict[str, str]) -> Properties:
    """Return the provisioner of a resource type: create, update and delete by the emulator's own API."""
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
        _checked(getattr(eventbridge, f"_create{snake}")(request(name, properties)))
        return name, attributes(name)

    def update(physical_id: str, _old: Properties, new: Properties, _stack: str) -> tuple[str, Properties]:
        _checked(getattr(eventbridge, f"_update{snake}")(request(physical_id, new)))
        return physical_id, attributes(physical_id)

    def delete(physical_id: str, _properties: Properties) -> None:
        getattr(eventbridge, f"_delete{snake}")({name_key: physical_id})

    def attributes(name: str) -> Properties:
        answer = _checked(getattr(eventbridge, f"_describe{snake}")({name_key: name}))
        return {"Arn": answer[f"{noun}Arn"]}

    return {"create": create, "update": update, "delete": delete}


def _without_name_conflicts(original: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Leave it to the creation of a bucket to refuse a name that is taken: what is taken over is not created."""

    def errors(*args: Any, **named: Any) -> list[Any]:
        return [each for each in original(*args, **named) if each[2] != "NAME_CONFLICT_VALIDATION"]

    return errors


def _missing(name: str, known: Container[str]) -> str | None:
    return None if name in known else f"{name} does not exist."


def _checked(answer: tuple[int, Any, Any]) -> Properties:
    status, _, body = answer
    if status >= HTTPStatus.BAD_REQUEST:
        raise ValueError(str(body))
    return dict(json.loads(body)) if body else {}


if __name__ == "__main__":
    install()
    app.main()
