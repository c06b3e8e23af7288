"""The Prefect server's side of the pipeline as data: pools, queues, limits, the pool variable.

Numbers are what a fresh installation starts with. What a person changes in the UI stays: apply creates what is
missing, and changes only what has no meaning for a person.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from tasks.limits import GENESYS_REQUESTS, GENESYS_REQUESTS_BACKGROUND, STORE_WRITES

WARM_POOL, STOCK_POOL = "interactions", "interactions-process"
POOL_VARIABLE = "interactions_pool"
BATCHES_IN_FLIGHT = 10  # the tutorial's MaxConcurrency


@dataclass(frozen=True)
class Queue:
    """A work queue of a pool; `limit` bounds its runs in flight, `priority` 1 goes first."""

    name: str
    limit: int
    priority: int


@dataclass(frozen=True)
class Pool:
    """A work pool; a pool has one type."""

    name: str
    type: str
    description: str
    queues: tuple[Queue, ...] = field(
        default=(
            Queue("live", BATCHES_IN_FLIGHT, 1),
            Queue("replay", 1, 2),
            Queue("operations", 2, 3),
        )
    )


@dataclass(frozen=True)
class Limit:
    """A global concurrency limit."""

    name: str
    limit: int


POOLS = (
    Pool(WARM_POOL, "interactions", "The warm worker: flows run inside the worker's process."),
    Pool(STOCK_POOL, "process", "Prefect's own process worker: a new interpreter for every run."),
)

LIMITS = (
    # Requests to Genesys in any minute, by all workers together; read by the request budget, never rewritten.
    Limit(GENESYS_REQUESTS, 300),
    # The share of them that replay and reconcile may use: a quarter.
    Limit(GENESYS_REQUESTS_BACKGROUND, 75),
    # Chunks being written at once, by all workers together.
    Limit(STORE_WRITES, 8),
)


def pool_choice() -> str | None:
    """The pool named in INTERACTIONS_POOL, if any. Raises ValueError for a name that is no pool of ours."""
    choice = os.environ.get("INTERACTIONS_POOL")
    if choice is not None and choice not in (WARM_POOL, STOCK_POOL):
        raise ValueError(f"INTERACTIONS_POOL is {choice!r}: use {WARM_POOL!r} or {STOCK_POOL!r}")
    return choice
