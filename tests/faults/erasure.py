"""An erasure in a trial: of interactions whose events were published already, some of them still on their way."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import Self

from requests import RequestException

from tests.faults.published_events import PublishedEvents
from tests.faults.sandbox_view import SandboxView

_SHARE = 4  # one in so many of the interactions is erased


@dataclass(frozen=True)
class Erasure:
    """Interactions to be erased in one run; asked for again it is the same run."""

    interaction_ids: list[str]
    key: str

    @classmethod
    def of(cls, published: PublishedEvents, rng: random.Random) -> Self:
        """Choose from what was published, the latest event's interaction among it; expect tombstones of them."""
        known = list(published.interactions)
        chosen = sorted({*rng.sample(known, max(1, len(known) // _SHARE)), known[-1]})
        published.erase(chosen)
        return cls(chosen, str(uuid.UUID(int=rng.getrandbits(128), version=4)))

    def ask(self, view: SandboxView) -> bool:
        """Create the run; return whether Prefect has taken it."""
        body = {
            "parameters": {
                "interaction_ids": self.interaction_ids,
                "dry_run": False,
                "reason": "fault suite",
            },
            "state": {"type": "SCHEDULED"},
            "idempotency_key": self.key,
        }
        try:
            target = view.deployment("erase-interactions/erase")
            view.prefect(f"deployments/{target}/create_flow_run", body)
        except RequestException:
            return False
        return True
