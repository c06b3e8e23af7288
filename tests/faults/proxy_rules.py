"""Rules by which a proxy disturbs requests; they are set while it runs."""

from __future__ import annotations

import random
import re
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Action = Literal["answer", "drop", "half", "refuse", "delay", "hold"]


@dataclass
class Rule:
    """One disturbance of the requests whose subject (method, path, AWS operation) matches `pattern`.

    `answer`: the proxy answers itself, the server gets nothing. `drop`: the server gets the request, its answer is
    thrown away. `half`: half of the answer's body is sent. `refuse`: the connection is closed before the server
    gets the request. `delay`: the request waits `seconds`, then is passed on. `hold`: the request is passed on at
    once, and its answer waits `seconds`.
    """

    action: Action
    pattern: str = ""
    rate: float = 1.0  # the share of matching requests that it is applied to
    max_requests: int | None = None  # after so many it is no longer applied
    seconds: float = 0.0
    status: int = 500
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


class Rules:
    """The rules of one proxy, and how often each action was applied."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._rng = random.Random()
        self.applied: dict[str, int] = {}

    def set(self, rules: list[dict[str, Any]]) -> None:
        """Replace all rules."""
        self._rules = [Rule(**rule) for rule in rules]

    def match(self, subject: str) -> Rule | None:
        """Return the first rule that applies to this request, and count it."""
        for rule in self._rules:
            if rule.max_requests != 0 and re.search(rule.pattern, subject) and self._rng.random() < rule.rate:
                if rule.max_requests is not None:
                    rule.max_requests -= 1
                self.applied[rule.action] = self.applied.get(rule.action, 0) + 1
                return rule
        return None
