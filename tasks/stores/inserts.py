"""Adding many items in few round trips, each only where the table has none with its key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from tasks.stores.dynamodb import marshal
from tasks.stores.errors import ItemRefused, translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import BatchStatementRequestTypeDef

STATEMENTS = 25  # DynamoDB's limit of statements per BatchExecuteStatement


def insert_each(
    client: DynamoDBClient, table: str, key: str, items: Sequence[Mapping[str, Any]]
) -> frozenset[str]:
    """Insert items whose keys the table does not hold; the keys of those that were inserted.

    An INSERT of PartiQL is a put under the condition that no item has the key. BatchExecuteStatement takes 25 of
    them and answers for each by itself; BatchWriteItem knows no conditions, and a transaction costs twice as
    much and refuses all for one. What cannot be sent or is refused is not inserted, and is left to a write of
    its own, which says why. Raises StoreUnavailable when a whole batch is not answered.
    """
    typed = {str(item[key]): made for item in items if (made := _typed(item))}
    inserted: set[str] = set()
    for start in range(0, len(typed), STATEMENTS):
        part = dict(islice(typed.items(), start, start + STATEMENTS))
        statements = [_insert(table, item) for item in part.values()]
        try:
            with translated(f"table {table}"):
                answer = client.batch_execute_statement(Statements=statements)
        except ItemRefused:
            continue
        inserted.update(_successes(part, answer["Responses"]))
    return frozenset(inserted)


def _typed(item: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        return marshal(item)
    except Exception:  # noqa: BLE001 - one item's flaw must not cost the others
        return None


def _insert(table: str, typed: Mapping[str, Any]) -> BatchStatementRequestTypeDef:
    names = ", ".join(f"'{name}': ?" for name in typed)  # our own attributes' names, never a value
    statement = f"""INSERT INTO "{table}" VALUE {{{names}}}"""
    return {"Statement": statement, "Parameters": list(typed.values())}


def _successes(keys: Iterable[str], responses: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for key, response in zip(keys, responses, strict=True):
        if "Error" not in response:
            yield key
