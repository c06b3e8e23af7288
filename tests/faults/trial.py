"""A trial: a share of the events is published while a fault is injected, then compared with what is stored."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from tests.faults import genesys_faults, prefect_faults, store_faults, worker_faults
from tests.faults.erasure import Erasure
from tests.faults.event_generator import EventGenerator, GeneratedEvent, in_tens
from tests.faults.fault import Fault
from tests.faults.fault_sandbox import FaultSandbox
from tests.faults.published_events import PublishedEvents
from tests.faults.verification import Comparison

FAULTS: tuple[Fault, ...] = (
    *genesys_faults.FAULTS,
    *store_faults.FAULTS,
    *prefect_faults.FAULTS,
    *worker_faults.FAULTS,
)
COMBINED = 3  # faults at once
_OUTSIDE = 5  # one in so many events is published before the fault, and one in so many after it


@dataclass
class Trial:
    """One or several faults, and what became of the events."""

    name: str
    events: int
    fault_seconds: float
    comparison: Comparison  # its seconds count from the end of the fault
    restarted_by_reconcile: str = "0"  # interactions and abandoned runs


def random_combination(rng: random.Random) -> list[Fault]:
    """Return several of the faults that can be injected together."""
    return rng.sample([fault for fault in FAULTS if not fault.alone], COMBINED)


def run_trial(target: FaultSandbox, faults: Sequence[Fault], events: int, seed: int, timeout: float) -> Trial:
    """Publish events before, during and after the faults, and erase some; wait until no discrepancy is left."""
    published = target.verifier.begin(seed)
    for earlier in target.published:
        published.ignore(earlier)
    target.published.append(published)
    generated = EventGenerator(seed, target.sandbox.addresses.event_source).events(events)
    some = max(1, len(generated) // _OUTSIDE)
    target.verifier.publish(published, generated[:some])
    target.several_faults = len(faults) > 1
    began = time.monotonic()
    with ExitStack() as injected:
        for fault in faults:
            injected.enter_context(fault.inject(target))
        during, seconds = generated[some:-some], max(fault.seconds for fault in faults) / 2
        _publish_slowly(target, published, during[: len(during) // 2], seconds)
        erasure = Erasure.of(published, target.rng)
        asked = erasure.ask(target.verifier.view)
        _publish_slowly(target, published, during[len(during) // 2 :], seconds)
    target.restart_stopped()
    if not asked:
        target.until(lambda: erasure.ask(target.verifier.view), timeout)
    ended = time.monotonic()
    target.verifier.publish(published, generated[-some:])
    comparison = target.verifier.wait(published, timeout)
    comparison.seconds = time.monotonic() - ended
    restarted = target.reconcile_schedule.restarted(published.since)
    name = " + ".join(fault.name for fault in faults)
    return Trial(name, len(published.events), ended - began, comparison, restarted)


def _publish_slowly(
    target: FaultSandbox, published: PublishedEvents, events: list[GeneratedEvent], seconds: float
) -> None:
    """Spread the events over the time of the fault."""
    until = time.monotonic() + seconds
    target.verifier.publish(published, events, pause=seconds / (1 + len(list(in_tens(events)))))
    time.sleep(max(0.0, until - time.monotonic()))
