"""Receipts of erasures: rows of the interaction table that say what was done, when and why, and not to whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tasks.stores.dynamodb import DynamoTable
from tasks.stores.update_expression import UpdateExpression
from tasks.values import iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PREFIX = "erasure-"
"""What a receipt's key begins with, in the place of an interaction's id."""


class ReceiptTable:
    """Rows `erasure-<receipt id>` of the interaction table; thread-safe. Methods raise StoreUnavailable.

    They have neither `version` nor `erasedAt`, so no search for records or tombstones finds them.
    """

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._table = DynamoTable(client, name, "interactionId")

    def open(self, receipt_id: str, values: Mapping[str, Any], expires_at: int | None) -> None:
        """Note that an erasure begins: `values` say who asked, why and by what; `expires_at` is in epoch seconds."""
        asked = {"askedAt": iso(datetime.now(UTC)), **values, "expiresAt": expires_at}
        self._table.update(PREFIX + receipt_id, UpdateExpression().set(asked))

    def close(self, receipt_id: str, name: str, counts: Mapping[str, int]) -> None:
        """Note what a pass has found, as the map `name` of counts and the time; the same pass again replaces it."""
        done = {name: {**counts, "at": iso(datetime.now(UTC))}}
        self._table.update(PREFIX + receipt_id, UpdateExpression().set(done))

    def get(self, receipt_id: str) -> dict[str, Any] | None:
        """Return a receipt, or None."""
        return self._table.get(PREFIX + receipt_id)
