"""AWS calls that were really made: what AWS bills of each, a line of JSON for each.

DynamoDB's sizes are those of AWS's rule (names and values in UTF-8, a number a byte for two digits and one more, a list
or map three bytes and one for each member). An item that a projection returned in part counts with that part.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

FILE = "COUNT_AWS"
"""Variable: the file to which a process appends its calls."""
_NAMES = re.compile(r"'([A-Za-z0-9_]+)': \?")


def record(line: Mapping[str, Any]) -> None:
    """Append a call to the file, in one write: several processes share it."""
    with Path(os.environ[FILE]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def record_invocation(milliseconds: float) -> None:
    """Append an invocation of a Lambda function, which the benchmark calls itself."""
    record({"service": "lambda", "operation": "Invoke", "attempts": 1, "ms": milliseconds})


def read_calls(file: Path) -> list[dict[str, Any]]:
    """Return the calls of a file, none if no process made one."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def describe(
    service: str, operation: str, given: Mapping[str, Any], answer: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a call as a line: its attempts, and the sizes that are billed."""
    retries = answer.get("ResponseMetadata", {}).get("RetryAttempts", 0)
    line: dict[str, Any] = {"service": service, "operation": operation, "attempts": 1 + retries}
    if service == "dynamodb":
        line["writes"] = [
            [table, item_bytes(item), sorted(item)] for table, item in _written(operation, given, answer)
        ]
        line["reads"] = list(_read(operation, given, answer))
    if service == "s3":
        line["bytes"] = _body_bytes(given.get("Body", b""))
    if service == "sqs":
        line["bytes"] = _message_bytes(given, answer)
    return line


def _written(
    operation: str, given: Mapping[str, Any], answer: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    match operation:
        case "PutItem":
            yield given["TableName"], given["Item"]
        case "UpdateItem" | "DeleteItem":
            yield given["TableName"], answer.get("Attributes") or given["Key"] | _values(given)
        case "BatchWriteItem":
            for table, requests in given["RequestItems"].items():
                for request in requests:
                    yield (
                        table,
                        request["PutRequest"]["Item"]
                        if "PutRequest" in request
                        else request["DeleteRequest"]["Key"],
                    )
        case "BatchExecuteStatement":
            for each in given["Statements"]:
                table = each["Statement"].split('"')[1]
                yield table, dict(zip(_NAMES.findall(each["Statement"]), each["Parameters"], strict=True))
        case _:
            return


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    return dict(given.get("ExpressionAttributeValues", {}))


def _read(operation: str, given: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Yield each read as [is it consistent, bytes]; a key without an item is a read of nothing."""
    consistent = bool(given.get("ConsistentRead"))
    match operation:
        case "GetItem":
            yield [consistent, item_bytes(answer.get("Item", {}))]
        case "Query" | "Scan":
            yield [consistent, sum(map(item_bytes, answer.get("Items", [])))]
        case "BatchGetItem":
            for table, wanted in given["RequestItems"].items():
                found = [item_bytes(each) for each in answer.get("Responses", {}).get(table, [])]
                sizes = found + [0] * (len(wanted["Keys"]) - len(found))
                yield from ([bool(wanted.get("ConsistentRead")), size] for size in sizes)
        case _:
            return


def _body_bytes(body: Any) -> int:
    """Return the size of what was sent: botocore makes a file of bytes."""
    return body.getbuffer().nbytes if isinstance(body, BytesIO) else len(body)


def _message_bytes(given: Mapping[str, Any], answer: Mapping[str, Any]) -> int:
    bodies = [given.get("MessageBody", "")]
    bodies += [each["MessageBody"] for each in given.get("Entries", []) if "MessageBody" in each]
    bodies += [each["Body"] for each in answer.get("Messages", [])]
    return sum(len(body.encode()) for body in bodies)


def item_bytes(item: Mapping[str, Any]) -> int:
    """Return the size of an item in DynamoDB's JSON."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(typed: Mapping[str, Any]) -> int:
    (kind, value), *_ = typed.items()
    size = _SIZES.get(kind)
    return size(value) if size else 1  # BOOL, NULL


def _number_bytes(text: str) -> int:
    digits = re.sub(r"[^0-9]", "", text).strip("0")
    return (len(digits) + 1) // 2 + 1


_SIZES: dict[str, Callable[[Any], int]] = {
    "S": lambda value: len(value.encode()),
    "N": _number_bytes,
    "B": len,
    "L": lambda value: 3 + sum(1 + _value_bytes(each) for each in value),
    "M": lambda value: 3 + len(value) + item_bytes(value),
    "SS": lambda value: sum(len(each.encode()) for each in value),
    "NS": lambda value: sum(map(_number_bytes, value)),
}


def write_units(size: int) -> int:
    """Return the units of a write: one for each KiB that was begun."""
    return max(1, -(-size // 1024))


def read_units(size: int, *, consistent: bool) -> float:
    """Return the units of a read: one for each 4 KiB that were begun, half of it unless it is consistent."""
    return max(1, -(-size // 4096)) * (1.0 if consistent else 0.5)


def table_write_units(size: int, attributes: Iterable[str], indexes: Iterable[Iterable[str]]) -> int:
    """Return the units of writing a new item: the table's, and those of each index whose keys the item has.

    The indexes hold whole items.
    """
    known = set(attributes)
    return write_units(size) * (1 + sum(known.issuperset(keys) for keys in indexes))
