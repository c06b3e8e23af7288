"""The figures of completeness and lag: one item beside the counter of requests, which workers and bridge may read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tasks.stores.dynamodb import DynamoTable
from tasks.stores.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = "health"
_TRIES = 10  # two reconciles at the same time are rare

Figures = dict[str, Any]


class HealthTable:
    """The item `health` of the budget table. Methods raise StoreUnavailable."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._table = DynamoTable(client, name, "budgetId")

    def load(self) -> Figures | None:
        """Return the figures; None where there are none, or some that are no JSON object."""
        return _figures(self._table.get(KEY))

    def update(
        self, change: Callable[[Figures | None], Figures], attributes: Callable[[Figures], Figures]
    ) -> Figures:
        """Replace the figures by what `change` makes of them, and return these; no other's change is lost.

        `attributes` are those of the item that the bridge reads, which knows nothing of the figures.
        """
        for _ in range(_TRIES):
            item = self._table.get(KEY) or {}
            revision = int(item.get("revision", 0))
            figures = change(_figures(item))
            written = self._table.put(
                {
                    "budgetId": KEY,
                    "revision": revision + 1,
                    "figures": json.dumps(figures, separators=(",", ":")),
                    **attributes(figures),
                },
                "attribute_not_exists(budgetId) OR revision = :known",
                {":known": revision},
            )
            if written.done:
                return figures
        raise StoreUnavailable(f"table {self._table.name}: others change the item {KEY!r} all the time")


def _figures(item: Mapping[str, Any] | None) -> Figures | None:
    try:
        found = json.loads((item or {})["figures"])
    except (KeyError, TypeError, ValueError):
        return None
    return found if isinstance(found, dict) else None
