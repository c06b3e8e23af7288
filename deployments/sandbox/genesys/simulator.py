"""The simulator's state: everything that one process knows."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from deployments.sandbox.genesys.faults import Faults
from deployments.sandbox.genesys.integrations import Integrations
from deployments.sandbox.genesys.limits import RateLimit, Tally
from deployments.sandbox.genesys.registry import Registry
from deployments.sandbox.genesys.tokens import Client, Tokens

# Fixed, so that an id is the same conversation today, tomorrow and after a restart.
EPOCH = datetime(2026, 1, 15, tzinfo=UTC)
TARGETS = 10_000  # addresses of requests that are remembered


@dataclass(frozen=True, slots=True)
class Options:
    """What is decided at the start."""

    epoch: datetime = EPOCH
    client: Client = field(default_factory=Client)
    seed: int = 0


class Simulator:
    """One organization in one region."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._wall = time.time() - time.monotonic()
        self.tokens = Tokens(options.client)
        self.reset()

    def reset(self) -> None:
        """Forget everything but the tokens: clients stay logged in."""
        self.registry = Registry(int(self._options.epoch.timestamp() * 1000))
        self.integrations = Integrations()
        self.reset_faults()
        self.reset_counters()

    def reset_faults(self) -> None:
        """Be Genesys on a good day again."""
        self.faults = Faults(seed=self._options.seed)
        self.rng = Random(self._options.seed)  # noqa: S311 - faults, repeatable on purpose

    def reset_counters(self) -> None:
        """Count from zero, and open new windows for every token."""
        self.all_requests = Tally()
        self.api_requests = Tally()
        self.statuses: Counter[int] = Counter()
        self.targets: deque[str] = deque(maxlen=TARGETS)
        self.ids_requested = 0
        self.given_out = 0
        self.limits = RateLimit()
        self.faults.struck.clear()

    def now(self) -> float:
        """Return the time (epoch s), which never goes back."""
        return self._wall + time.monotonic()
