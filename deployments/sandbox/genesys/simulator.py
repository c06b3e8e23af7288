"""Simulator: the state of one simulated organization."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from deployments.sandbox.genesys.control.faults import Faults
from deployments.sandbox.genesys.conversations.registry import Registry
from deployments.sandbox.genesys.http.integrations import Integrations
from deployments.sandbox.genesys.http.limits import RequestCounter, TokenRateLimit
from deployments.sandbox.genesys.http.tokens import OAuthClient, Tokens
from deployments.sandbox.genesys.queries.jobs import JobRegistry

# Fixed: an id is the same conversation after a restart and on any day.
EPOCH = datetime(2026, 1, 15, tzinfo=UTC)
MAX_TARGETS = 10_000  # paths of requests that are stored


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """The command line's options."""

    epoch: datetime = EPOCH
    client: OAuthClient = field(default_factory=OAuthClient)
    seed: int = 0


class Simulator:
    """One organization: conversations, integrations, tokens, counters and faults."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._clock_offset = time.time() - time.monotonic()
        self.tokens = Tokens(options.client)
        self.reset()

    def reset(self) -> None:
        """Reset everything except the tokens: clients stay logged in."""
        self.registry = Registry(int(self._options.epoch.timestamp() * 1000), self._is_stale)
        self.integrations = Integrations()
        self.jobs = JobRegistry()
        self.users_returned: set[tuple[str, str]] = set()  # name and address, to whoever asked the directory
        self.reset_faults()
        self.reset_counters()

    def _is_stale(self) -> bool:
        """Return whether the next answer comes from a replica that lags, and count it if so."""
        return self.faults.occurs(self.rng, "stale", self.faults.stale_rate)

    def reset_faults(self) -> None:
        """Return all faults to their defaults and restart the random generator."""
        self.faults = Faults(seed=self._options.seed)
        self.rng = Random(self._options.seed)  # noqa: S311 - repeatable on purpose

    def reset_counters(self) -> None:
        """Reset the counters and the rate limit windows."""
        self.all_requests = RequestCounter()
        self.api_requests = RequestCounter()
        self.statuses: Counter[int] = Counter()
        self.targets: deque[str] = deque(maxlen=MAX_TARGETS)
        self.ids_requested = 0
        self.conversations_returned = 0
        self.limits = TokenRateLimit()
        self.faults.injected.clear()

    def now(self) -> float:
        """Return the time (epoch s); it is monotonic."""
        return self._clock_offset + time.monotonic()
