"""A worker process for the budget's tests: threads that fetch conversations as fast as they may.

Configured by the pipeline's own variables and: SKEW (seconds that this process's clocks are off), REQUESTS
(how many to make), THREADS, ALLOWANCE.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import uuid4

import boto3

from tasks.genesys import Clock, DynamoLedger, GenesysClient, SharedBudget, Tally
from tasks.settings import settings


class SkewedClock(Clock):
    """A clock that is wrong by so many seconds."""

    skew = float(os.environ["SKEW"])

    def monotonic(self) -> float:
        """Return seconds from another start than any other process."""
        return super().monotonic() + self.skew

    def now(self) -> datetime:
        """Return the wrong time of day."""
        return super().now() + timedelta(seconds=self.skew)


def main() -> None:
    """Make the requests and end."""
    chosen = settings()
    ledger = DynamoLedger(boto3.client("dynamodb"), chosen.budget_table)
    tally = Tally(ledger, chosen.budget_window + chosen.budget_margin, SkewedClock())
    budget = SharedBudget(tally, lambda: int(os.environ["ALLOWANCE"]), max_wait=chosen.budget_max_wait)
    client = GenesysClient.from_settings(chosen, budget)
    with ThreadPoolExecutor(int(os.environ["THREADS"])) as threads:
        asked = [
            threads.submit(client.get_conversations, [str(uuid4())])
            for _ in range(int(os.environ["REQUESTS"]))
        ]
        for each in asked:
            each.result()


main()
