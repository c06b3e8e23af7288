"""What the alarms need to know although no event comes: queues, workers, budget, completeness, whether Prefect answers.

A figure that cannot be read is left out, and its alarm has no data then; each is read whatever becomes of the others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from errors import DeliveryHalted

if TYPE_CHECKING:
    from configuration import Configuration
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient
    from prefect_api import PrefectApi

LIMIT = "genesys-requests"
"""Prefect's limit of requests to Genesys in a window."""
HELD_SECONDS = 68
"""From the moment that the shared budget's item names of a permit until it leaves the window."""

LOOKED_SECONDS = 3 * 3600
"""Since the last reconcile that looked at the present; after that nobody knows what is missing."""

Figures = dict[str, float]
Stopped = dict[str, Any]


class Watch:
    """Looks at everything once per call."""

    def __init__(
        self, api: PrefectApi, sqs: SQSClient, dynamodb: DynamoDBClient, settings: Configuration
    ) -> None:
        self._api = api
        self._sqs = sqs
        self._dynamodb = dynamodb
        self._settings = settings

    def look(self, remaining: Callable[[], float]) -> tuple[Figures, Stopped | None]:
        """Return the figures, and why the bridge could accept nothing now, None if it could.

        `received` is 0: the minutes without an event have a value, too. `stalled` is there only when the bridge could
        accept nothing: whether it does accept, only its deliveries know.
        """
        self._api.begin(remaining)
        figures: Figures = {"received": 0}
        figures |= self._depth("backlog", self._settings.buffer_queue_url)
        figures |= self._depth("deadLetters", self._settings.dead_letter_queue_url)
        figures |= self._health()
        stopped = self._prefect(figures)
        if stopped is None:
            figures |= self._budget()
        else:
            figures["stalled"] = 1
        return figures, stopped

    def _depth(self, name: str, url: str) -> Figures:
        """Return a queue's messages, those in delivery included: a bridge that returns everything hides them there."""
        if not url:
            return {}
        try:
            found = self._sqs.get_queue_attributes(
                QueueUrl=url,
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )
        except (ClientError, BotoCoreError):
            return {}
        return {name: sum(map(int, found["Attributes"].values()))}

    def _prefect(self, figures: Figures) -> Stopped | None:
        """Add the workers and the waiting runs; return why nothing can be accepted."""
        try:
            figures["workers"] = self._api.online_workers()
            figures["waitingRuns"] = self._api.waiting_runs()
        except DeliveryHalted as halted:
            return {"code": halted.code, "status": halted.status}
        if figures["waitingRuns"] > self._settings.max_waiting_runs:
            return {"code": "too-many-waiting-runs", "status": None}
        return None

    def _budget(self) -> Figures:
        """Return how much of the requests of the last minute is used, in percent of what Prefect's limit allows."""
        if not self._settings.budget_table:
            return {}
        try:
            limit = self._api.limit(LIMIT)
            item = self._item("genesys")
            used = _used(json.loads(item["grants"]["S"])) if item else 0
        except (DeliveryHalted, ClientError, BotoCoreError, KeyError, TypeError, ValueError):
            return {}
        return {"budgetPercent": round(100 * used / limit)} if limit > 0 else {}

    def _health(self) -> Figures:
        """Return 1 where the last reconcile found rows missing, or none has looked lately; nothing before the first."""
        try:
            item = self._item("health") if self._settings.budget_table else None
            if not item:
                return {}
            old = time.time() - float(item["lookedAt"]["N"]) > LOOKED_SECONDS
            return {"incomplete": int(old or item["incomplete"]["N"] != "0")}
        except (ClientError, BotoCoreError, KeyError, TypeError, ValueError):
            return {}

    def _item(self, key: str) -> Any:
        """Return an item of the workers' numbers, None without one. Raises botocore's errors."""
        table = self._settings.budget_table
        return self._dynamodb.get_item(TableName=table, Key={"budgetId": {"S": key}}).get("Item")


def _used(grants: list[list[int]]) -> int:
    """Return the requests of the window; `grants` are [moment in epoch ms, total, background]."""
    now = time.time()
    return sum(
        total
        for moment, total, _background in grants
        if now - HELD_SECONDS < moment / 1000 <= now + HELD_SECONDS
    )
