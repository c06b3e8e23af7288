"""The resources of the Prefect server, as data: work pools, work queues, concurrency limits, the pool variable.

The numbers are those of a new installation. `apply` creates what is missing, and leaves numbers that were changed
in the UI.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from deployments.errors import BadValue
from tasks.concurrency import GENESYS_REQUESTS, GENESYS_REQUESTS_BACKGROUND, STORE_WRITES

WARM_POOL, STOCK_POOL = "interactions", "interactions-process"
POOL_VARIABLE = "interactions_pool"
BATCHES_IN_FLIGHT = 10  # as in the tutorial: MaxConcurrency


@dataclass(frozen=True)
class Queue:
    """A work queue: `limit` is its number of runs in flight, `priority` 1 is served first."""

    name: str
    limit: int
    priority: int


@dataclass(frozen=True)
class Pool:
    """A work pool with its work queues; `type` is the type of its workers."""

    name: str
    type: str
    description: str
    queues: tuple[Queue, ...] = field(
        default=(
            Queue("live", BATCHES_IN_FLIGHT, 1),
            Queue("replay", 1, 2),
            Queue("operations", 2, 3),
            Queue("publish", 1, 4),
        )
    )


@dataclass(frozen=True)
class Limit:
    """A global concurrency limit."""

    name: str
    limit: int


ApplyResult = Literal["created", "updated", "unchanged", "deleted"]


class AppliedResource(NamedTuple):
    """One resource of the Prefect server, and what `apply` did to it."""

    kind: str
    name: str
    result: ApplyResult


POOLS = (
    Pool(WARM_POOL, "interactions", "The warm worker: flows run inside the worker's process."),
    Pool(STOCK_POOL, "process", "Prefect's own process worker: a new interpreter for every run."),
)

LIMITS = (
    # Requests to Genesys in any minute, of all workers together. The rate limiter reads it and never writes it.
    Limit(GENESYS_REQUESTS, 300),
    # How many of them replay and reconcile may use: a quarter.
    Limit(GENESYS_REQUESTS_BACKGROUND, 75),
    # Chunks that are written at the same time, by all workers together.
    Limit(STORE_WRITES, 8),
)


def pool_choice() -> str | None:
    """Return the pool that INTERACTIONS_POOL names, None when it is not set. Raises BadValue for another name."""
    choice = os.environ.get("INTERACTIONS_POOL")
    if choice is not None and choice not in (WARM_POOL, STOCK_POOL):
        raise BadValue(f"INTERACTIONS_POOL is {choice!r}: use {WARM_POOL!r} or {STOCK_POOL!r}")
    return choice
