"""A trial: a share of the events, a fault while they arrive, and the books afterwards."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from tests.faults import faults_of_genesys, faults_of_prefect, faults_of_stores, faults_of_workers
from tests.faults.entries import Draws, Step, tens
from tests.faults.fault import Fault
from tests.faults.ledger import Balance
from tests.faults.plan import Plan
from tests.faults.stand import Stand

FAULTS: tuple[Fault, ...] = (
    *faults_of_genesys.FAULTS,
    *faults_of_stores.FAULTS,
    *faults_of_prefect.FAULTS,
    *faults_of_workers.FAULTS,
)
TOGETHER = 3  # faults at once
_EARLY = 5  # one in so many events comes before the fault, and one in so many after it
Progress = Callable[[str], None]


@dataclass
class Trial:
    """What a fault came to."""

    name: str
    events: int
    lasted: float  # seconds
    balance: Balance  # its seconds are those from the fault's end to balanced books
    reconciled: str = "0"  # what only reconcile started again: interactions, abandoned runs


def together(rng: random.Random) -> list[Fault]:
    """Several faults of those that can be mixed."""
    return rng.sample([fault for fault in FAULTS if not fault.alone], TOGETHER)


def attempt(stand: Stand, faults: Sequence[Fault], events: int, seed: int, patience: float) -> Trial:
    """Put events before, during and after the faults, and wait until the books balance."""
    plan = stand.ledger.open(seed)
    for earlier in stand.plans:
        plan.follow(earlier)
    stand.plans.append(plan)
    steps = Draws(seed, stand.sandbox.addresses.event_source).steps(events)
    some = max(1, len(steps) // _EARLY)
    stand.ledger.put(plan, steps[:some])
    stand.mixed = len(faults) > 1
    began = time.monotonic()
    with ExitStack() as having:
        for fault in faults:
            having.enter_context(fault.having(stand))
        _slowly(stand, plan, steps[some:-some], max(fault.seconds for fault in faults))
    stand.heal()
    ended = time.monotonic()
    stand.ledger.put(plan, steps[-some:])
    balance = stand.ledger.settle(plan, patience)
    balance.seconds = time.monotonic() - ended
    reconciled = stand.reconciling.restarted(plan.put_from)
    name = " + ".join(fault.name for fault in faults)
    return Trial(name, len(plan.events), ended - began, balance, reconciled)


def _slowly(stand: Stand, plan: Plan, steps: list[Step], seconds: float) -> None:
    """Spread the events over the fault."""
    until = time.monotonic() + seconds
    stand.ledger.put(plan, steps, pause=seconds / (1 + len(list(tens(steps)))))
    time.sleep(max(0.0, until - time.monotonic()))
