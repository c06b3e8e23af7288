"""A fault: its name, and a context in which the sandbox has it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tests.faults.stand import Stand

OUTAGE = 6.0  # seconds; with delays scaled as they are it stands for a quarter of an hour


@dataclass(frozen=True)
class Fault:
    """Entering `having` begins it, leaving ends it; events arrive meanwhile, for `seconds`.

    What it has killed is started again afterwards, by `Stand.heal`.
    """

    name: str
    having: Callable[[Stand], AbstractContextManager[None]]
    seconds: float = OUTAGE
    alone: bool = False  # it stops or replaces what other faults need, so it is not mixed with them
