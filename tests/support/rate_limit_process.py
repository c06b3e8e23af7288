"""A worker process for the rate limit's tests: its threads fetch conversations as fast as the limit permits.

Configured by the pipeline's own variables and by SKEW (the error of this process's clocks, in seconds), REQUESTS
(how many to make), THREADS and LIMIT.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import uuid4

import boto3

from tasks.genesys import Clock, DynamoWindowStore, GenesysClient, RateLimiter, SharedWindow
from tasks.settings import settings


class SkewedClock(Clock):
    """A clock that is wrong by SKEW seconds."""

    skew = float(os.environ["SKEW"])

    def monotonic(self) -> float:
        """Return seconds since a start that differs between processes."""
        return super().monotonic() + self.skew

    def now(self) -> datetime:
        """Return the wrong time of day."""
        return super().now() + timedelta(seconds=self.skew)


def main() -> None:
    """Make the requests."""
    config = settings()
    store = DynamoWindowStore(boto3.client("dynamodb"), config.budget_table)
    window = SharedWindow(store, config.budget_window, config.budget_margin, SkewedClock())
    limiter = RateLimiter(window, lambda: int(os.environ["LIMIT"]), max_wait=config.budget_max_wait)
    client = GenesysClient.from_settings(config, limiter)
    with ThreadPoolExecutor(int(os.environ["THREADS"])) as threads:
        ids = [[str(uuid4())] for _ in range(int(os.environ["REQUESTS"]))]
        list(threads.map(client.get_conversations, ids))


main()
