"""What both tables share: the client, types, and how an update expression is put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tasks.stores.errors import StoreUnavailable, translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BATCH_GET = 100  # DynamoDB's limit of keys per BatchGetItem
_PAGES = 8  # unprocessed keys come back; a batch cut short more often than this is a store in trouble
_to_dynamodb = TypeSerializer().serialize
_from_dynamodb = TypeDeserializer().deserialize


def client(concurrency: int, session: Any = boto3) -> DynamoDBClient:
    """One client for the process: thread-safe, with a connection for each concurrent write.

    Two attempts only: the task's retries and the later run do the rest, and multiply with these.
    """
    config = Config(
        max_pool_connections=concurrency + 4,
        connect_timeout=3,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 2},
        parameter_validation=False,
    )
    made: DynamoDBClient = session.client("dynamodb", config=config)
    return made


def marshal(item: Mapping[str, Any]) -> dict[str, Any]:
    """Python values as DynamoDB's typed JSON."""
    return {name: _to_dynamodb(value) for name, value in item.items()}


def unmarshal(item: Mapping[str, Any]) -> dict[str, Any]:
    """DynamoDB's typed JSON as Python values; numbers are Decimal."""
    return {name: _from_dynamodb(value) for name, value in item.items()}


def batch_get(
    client: DynamoDBClient, table: str, key: str, values: Sequence[str], attributes: Iterable[str]
) -> Iterator[dict[str, Any]]:
    """The named attributes of every item that exists among these keys, in no order."""
    for start in range(0, len(values), _BATCH_GET):
        names = {f"#{name}": name for name in attributes}
        wanted: dict[str, Any] = {
            table: {
                "Keys": [marshal({key: value}) for value in values[start : start + _BATCH_GET]],
                "ProjectionExpression": ", ".join(names),
                "ExpressionAttributeNames": names,
            }
        }
        for _ in range(_PAGES):
            with translated(f"table {table}"):
                answer = client.batch_get_item(RequestItems=wanted)
            yield from map(unmarshal, answer["Responses"].get(table, []))
            wanted = cast("dict[str, Any]", answer.get("UnprocessedKeys") or {})
            if not wanted:
                break
        else:
            raise StoreUnavailable(f"table {table}: a batch read was cut short {_PAGES} times")


def iso(moment: datetime) -> str:
    """UTC, ISO 8601 with milliseconds and `Z`: sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Update:
    """An update expression in the making; every name and value is a placeholder, so no word is reserved."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self._clauses: dict[str, list[str]] = {"SET": [], "REMOVE": [], "ADD": []}

    def name(self, attribute: str) -> str:
        """The placeholder of an attribute's name."""
        placeholder = f"#{attribute}"
        self.names[placeholder] = attribute
        return placeholder

    def value(self, key: str, value: Any) -> str:
        """The placeholder of a value."""
        placeholder = f":{key}"
        self.values[placeholder] = _to_dynamodb(value)
        return placeholder

    def set(self, values: Mapping[str, Any]) -> Update:
        """Set attributes; None is skipped: an absent field is absent, never null."""
        for key, value in values.items():
            if value is not None:
                self._clauses["SET"].append(f"{self.name(key)} = {self.value(key, value)}")
        return self

    def set_expression(self, expression: str) -> Update:
        """Set something that is more than a value."""
        self._clauses["SET"].append(expression)
        return self

    def remove(self, attributes: Iterable[str]) -> Update:
        """Remove attributes."""
        self._clauses["REMOVE"] += [self.name(attribute) for attribute in attributes]
        return self

    def add(self, attribute: str, amount: int) -> Update:
        """Add to a counter."""
        self._clauses["ADD"].append(f"{self.name(attribute)} {self.value(f'add_{attribute}', amount)}")
        return self

    def arguments(self, *conditions: str) -> dict[str, Any]:
        """The keyword arguments of update_item; all conditions must hold."""
        expression = " ".join(f"{verb} {', '.join(parts)}" for verb, parts in self._clauses.items() if parts)
        arguments: dict[str, Any] = {
            "UpdateExpression": expression,
            "ExpressionAttributeNames": self.names,
            "ExpressionAttributeValues": self.values,
        }
        if not self.values:
            del arguments["ExpressionAttributeValues"]
        if conditions:
            arguments["ConditionExpression"] = " AND ".join(f"({condition})" for condition in conditions)
        return arguments


def recovery(client: DynamoDBClient, table: str) -> str:
    """How far back a table's point-in-time backups reach: `35 days`, off, or unknown when we may not ask."""
    try:
        answer = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    except (ClientError, BotoCoreError):
        return "unknown"
    point_in_time = answer.get("PointInTimeRecoveryDescription", {})
    if point_in_time.get("PointInTimeRecoveryStatus") != "ENABLED":
        return "off"
    return f"{point_in_time.get('RecoveryPeriodInDays', 35)} days"
