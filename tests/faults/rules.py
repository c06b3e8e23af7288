"""What a proxy does wrong: rules that match requests, set while it runs."""

from __future__ import annotations

import random
import re
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Action = Literal["answer", "drop", "half", "refuse", "delay", "hold"]


@dataclass
class Rule:
    """One wrong thing, done to requests whose subject matches `pattern`.

    `answer`: an answer of the proxy's own, the request goes no further. `drop`: the request is passed on and its
    answer is thrown away. `half`: of the answer's body only half arrives. `refuse`: the connection is closed
    before the request is passed on. `delay`: the request waits `seconds`, then goes its way. `hold`: the request
    goes its way at once, and its answer waits.
    """

    action: Action
    pattern: str = ""
    rate: float = 1.0
    most: int | None = None  # requests that it is done to; None is no bound
    seconds: float = 0.0
    status: int = 500
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


class Rules:
    """The rules of one proxy, and how often each action was done."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._rng = random.Random()
        self.done: dict[str, int] = {}

    def set(self, rules: list[dict[str, Any]]) -> None:
        """Replace all rules."""
        self._rules = [Rule(**rule) for rule in rules]

    def of(self, subject: str) -> Rule | None:
        """The first rule that strikes this request now."""
        for rule in self._rules:
            if rule.most != 0 and re.search(rule.pattern, subject) and self._rng.random() < rule.rate:
                if rule.most is not None:
                    rule.most -= 1
                self.done[rule.action] = self.done.get(rule.action, 0) + 1
                return rule
        return None
