"""Inserting many items in few round trips, each only where the table has none with its key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks.stores.errors import ItemRefused
from tasks.stores.typed_json import marshal
from tasks.values import chunked

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import BatchStatementRequestTypeDef

    from tasks.stores.dynamodb import DynamoTable

STATEMENTS = 25  # DynamoDB's limit of statements per BatchExecuteStatement


def insert_each(table: DynamoTable, items: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Insert items whose keys the table does not hold, and return the keys of those that were inserted.

    An INSERT of PartiQL is a put under the condition that no item has the key. BatchExecuteStatement takes 25 of
    them and answers each by itself; BatchWriteItem has no conditions, and a transaction costs twice as much and
    refuses all for one. An item that cannot be sent or is refused is not inserted: a single write says why.
    Raises StoreUnavailable when a batch is not answered.
    """
    typed = {str(item[table.key]): made for item in items if (made := _typed(item))}
    inserted: set[str] = set()
    for chunk in chunked(typed.items(), STATEMENTS):
        statements = [_insert(table.name, item) for _, item in chunk]
        try:
            with table.wrap_errors():
                answer = table.client.batch_execute_statement(Statements=statements)
        except ItemRefused:
            continue
        inserted.update(_inserted_keys([key for key, _ in chunk], answer["Responses"]))
    return frozenset(inserted)


def _typed(item: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        return marshal(item)
    except Exception:  # noqa: BLE001 - one item of a wrong type must not stop the others
        return None


def _insert(table: str, typed: Mapping[str, Any]) -> BatchStatementRequestTypeDef:
    names = ", ".join(f"'{name}': ?" for name in typed)  # names of our attributes, never a value
    statement = f"""INSERT INTO "{table}" VALUE {{{names}}}"""
    return {"Statement": statement, "Parameters": list(typed.values())}


def _inserted_keys(keys: Iterable[str], responses: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for key, response in zip(keys, responses, strict=True):
        if "Error" not in response:
            yield key
