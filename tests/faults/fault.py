"""A fault: its name, and a context in which the sandbox has it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tests.faults.fault_sandbox import FaultSandbox

OUTAGE = 6.0  # seconds; with the sandbox's scaled delays it stands for a quarter of an hour


@dataclass(frozen=True)
class Fault:
    """Entering `inject` begins it, leaving ends it; events are published meanwhile, for `seconds`.

    Processes that it killed are started again afterwards, by `FaultSandbox.restart_stopped`.
    """

    name: str
    inject: Callable[[FaultSandbox], AbstractContextManager[None]]
    seconds: float = OUTAGE
    alone: bool = False  # it stops or replaces what other faults need, so it is not combined with them
