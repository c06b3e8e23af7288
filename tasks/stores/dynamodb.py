"""A DynamoDB table: reads by key, in batches and in pages, and conditional writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tasks import telemetry
from tasks.stores.errors import StoreUnavailable, wrap_aws_errors
from tasks.stores.typed_json import marshal, unmarshal
from tasks.values import chunked

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tasks.stores.update_expression import UpdateExpression

_BATCH_GET_KEYS = 100  # DynamoDB's limit of keys per BatchGetItem
_BATCH_WRITE_ITEMS = 25  # DynamoDB's limit of items per BatchWriteItem
_BATCH_ROUNDS = 8  # requests for one batch, whose unprocessed rest is sent again


def client(concurrency: int, session: Any = boto3) -> DynamoDBClient:
    """Return the process's client: thread-safe, with a connection for each concurrent write.

    Two attempts only: they multiply with the task's retries.
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


class ConditionalWrite(NamedTuple):
    """What a write under a condition found."""

    done: bool
    """Whether the condition held."""
    typed_item: Mapping[str, Any]
    """The item before the write, or the one that does not meet the condition; typed JSON, empty if there is none."""

    @property
    def item(self) -> dict[str, Any]:
        """The item as Python values."""
        return unmarshal(self.typed_item)


class DynamoTable:
    """A table whose items have one key attribute; thread-safe.

    Every method raises StoreUnavailable, and those that write also ItemRefused.
    """

    def __init__(self, client: DynamoDBClient, name: str, key: str) -> None:
        self.client = client
        self.name = name
        self.key = key

    def get(self, key: str) -> dict[str, Any] | None:
        """Return an item, consistently read, or None."""
        with self.wrap_errors():
            answer = self.client.get_item(TableName=self.name, Key=self._key(key), ConsistentRead=True)
        return unmarshal(answer["Item"]) if "Item" in answer else None

    def get_many(
        self, keys: Sequence[str], attributes: Iterable[str] = (), *, consistent: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Yield every item that exists among these keys, whole or only the named attributes, in no order."""
        projection = _projection(attributes) | {"ConsistentRead": consistent}
        for chunk in chunked(keys, _BATCH_GET_KEYS):
            wanted: Any = {self.name: {"Keys": [self._key(key) for key in chunk], **projection}}
            for _ in range(_BATCH_ROUNDS):
                with self.wrap_errors():
                    answer = self.client.batch_get_item(RequestItems=wanted)
                yield from map(unmarshal, answer["Responses"].get(self.name, []))
                wanted = answer.get("UnprocessedKeys")
                if not wanted:
                    break
            else:
                raise StoreUnavailable(
                    f"table {self.name}: keys of a batch read stayed unprocessed in {_BATCH_ROUNDS} requests"
                )

    def put_many(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Replace items, whatever the table holds, 25 per request."""
        for chunk in chunked(items, _BATCH_WRITE_ITEMS):
            left: Any = {self.name: [{"PutRequest": {"Item": marshal(item)}} for item in chunk]}
            for _ in range(_BATCH_ROUNDS):
                with self.wrap_errors():
                    left = self.client.batch_write_item(RequestItems=left).get("UnprocessedItems")
                if not left:
                    break
            else:
                raise StoreUnavailable(
                    f"table {self.name}: items of a batch stayed unprocessed in {_BATCH_ROUNDS} requests"
                )

    def pages(
        self,
        operation: Literal["query", "scan"],
        *,
        values: Mapping[str, Any] | None = None,
        attributes: Iterable[str] = (),
        **arguments: Any,
    ) -> Iterator[dict[str, Any]]:
        """Yield the items of every page of a query or a scan, whole or only the named attributes."""
        if values is not None:
            arguments["ExpressionAttributeValues"] = marshal(values)
        arguments |= _projection(attributes)
        paginator: Any = self.client.get_paginator(operation)
        with self.wrap_errors():
            for page in paginator.paginate(TableName=self.name, **arguments):
                yield from map(unmarshal, page["Items"])

    def put(
        self, item: Mapping[str, Any], condition: str, values: Mapping[str, Any] | None = None
    ) -> ConditionalWrite:
        """Replace an item if the condition, which names these values, holds."""
        conditions: dict[str, Any] = {"ConditionExpression": condition}
        if values:  # DynamoDB refuses an empty map
            conditions["ExpressionAttributeValues"] = marshal(values)
        return self._write(self.client.put_item, Item=marshal(item), ReturnValues="ALL_OLD", **conditions)

    def update(
        self, key: str, update: UpdateExpression, *conditions: str, return_old: bool = False
    ) -> ConditionalWrite:
        """Update an item if all conditions hold; the item before the update is answered only on `return_old`."""
        return self._write(
            self.client.update_item,
            Key=self._key(key),
            ReturnValues="ALL_OLD" if return_old else "NONE",
            **update.arguments(*conditions),
        )

    def delete(
        self, key: str, condition: str = "", values: Mapping[str, Any] | None = None
    ) -> ConditionalWrite:
        """Delete an item, if the condition holds where there is one; `values` are typed JSON."""
        conditions: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        if values:  # DynamoDB refuses an empty map
            conditions["ExpressionAttributeValues"] = values
        return self._write(self.client.delete_item, Key=self._key(key), ReturnValues="ALL_OLD", **conditions)

    def backup_period(self) -> str:
        """Return how far the point-in-time backups reach: `35 days`, `off`, or `unknown` without the permission."""
        try:
            answer = self.client.describe_continuous_backups(TableName=self.name)
        except (ClientError, BotoCoreError):
            return "unknown"
        recovery = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
            return "off"
        return f"{recovery.get('RecoveryPeriodInDays', 35)} days"

    def wrap_errors(self) -> AbstractContextManager[None]:
        """Return the context in which AWS's errors become ours."""
        return wrap_aws_errors(f"table {self.name}")

    def _write(self, operation: Any, **arguments: Any) -> ConditionalWrite:
        with self.wrap_errors():
            try:
                answer = operation(
                    TableName=self.name, ReturnValuesOnConditionCheckFailure="ALL_OLD", **arguments
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                telemetry.add(telemetry.CONFLICTS, store="table")
                held: Any = error.response
                return ConditionalWrite(False, held.get("Item") or {})
        return ConditionalWrite(True, answer.get("Attributes") or {})

    def _key(self, key: str) -> dict[str, Any]:
        return marshal({self.key: key})


def _projection(attributes: Iterable[str]) -> dict[str, Any]:
    names = {f"#{name}": name for name in attributes}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names} if names else {}
