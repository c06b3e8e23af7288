"""A long run: `python -m tests.faults.soak --minutes 30`.

Events are published at a steady rate, faults are injected at random moments, one outage is long. The events are
compared every minute; memory and open files of each process are sampled.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from cyclopts import App
from requests import RequestException
from rich.console import Console

from deployments.sandbox.termination import exit_on_signals
from tests.faults.discrepancies import Expected
from tests.faults.discrepancy import Discrepancy
from tests.faults.event_generator import EventGenerator
from tests.faults.fault import Fault
from tests.faults.fault_sandbox import FaultSandbox
from tests.faults.prefect_faults import unreachable
from tests.faults.process_samples import ProcessSamples
from tests.faults.published_events import PublishedEvents
from tests.faults.sandbox_view import SandboxView
from tests.faults.trial import FAULTS
from tests.faults.verification import Comparison, Verifier, console, discrepancy_table, summary

FOLDER = Path(".sandbox")
LONG_OUTAGE = 300.0  # seconds, or a sixth of the whole, if that is less
TOLERANCE = 120.0  # seconds, besides the long outage, within which every event must have its outcome
TIMEOUT = 600.0  # seconds after the last event within which every discrepancy must disappear
UNHARMED_WORKER = 3  # the number of a worker that no fault kills: one that lives so long shows what it leaks
_BETWEEN_FAULTS = (20.0, 60.0)  # seconds
_SAMPLES = 4  # of the processes, each minute
_PUBLISH_EVERY = 10.0  # seconds
app = App(name="soak", help=__doc__)


@dataclass
class PublishedBatch:
    """Events published at one time."""

    events: PublishedEvents
    at: float  # by time.monotonic


@dataclass
class Soak:
    """The state of a soak test."""

    target: FaultSandbox
    seed: int
    rate: float  # events a second
    ends: float  # by time.monotonic
    outage: float  # seconds of the long one
    known: PublishedEvents  # what the tables held before
    samples: ProcessSamples = field(default_factory=ProcessSamples)
    batches: list[PublishedBatch] = field(default_factory=list)
    injected: list[str] = field(default_factory=list)
    expected: dict[str, Expected] = field(default_factory=dict)  # of older events, which change no more

    def publish(self) -> None:
        """Publish a batch of events every ten seconds until the end."""
        rng, verifier = random.Random(self.seed), Verifier(SandboxView(self.target.sandbox.addresses))
        while time.monotonic() < self.ends:
            generator = EventGenerator(
                rng.randrange(1_000_000_000), self.target.sandbox.addresses.event_source
            )
            batch = PublishedEvents(self.seed)
            began = time.monotonic()
            verifier.publish(batch, generator.events(round(self.rate * _PUBLISH_EVERY)))
            self.batches.append(PublishedBatch(batch, time.monotonic()))
            time.sleep(max(0.0, _PUBLISH_EVERY - (time.monotonic() - began)))

    def inject_faults(self) -> None:
        """Inject faults at random moments, and the long outage in the middle."""
        rng, middle = random.Random(self.seed + 1), (time.monotonic() + self.ends) / 2
        long = Fault(f"Prefect unreachable for {self.outage:.0f} s", unreachable, self.outage)
        left = [long]
        while time.monotonic() < self.ends - self.outage:
            time.sleep(rng.uniform(*_BETWEEN_FAULTS))
            due = time.monotonic() > middle - self.outage and left
            fault = left.pop() if due else rng.choice(FAULTS)
            self.injected.append(fault.name)
            with fault.inject(self.target):
                time.sleep(fault.seconds)
            self.target.restart_stopped()

    def published(self, until: float = float("inf")) -> PublishedEvents:
        """Return all events that were published until then."""
        published = replace(self.known, events={}, interactions={}, invalid=[])
        for batch in tuple(self.batches):
            if batch.at <= until:
                published.merge(batch.events)
        return published

    def late(self) -> list[Discrepancy]:
        """Return the discrepancies of events that should have their outcome by now."""
        published = self.published(time.monotonic() - self.outage - TOLERANCE)
        ours = {*published.events, *published.events.values()}
        found = self.target.verifier.compare(published, self.expected).discrepancies
        return [each for each in found if each.subject in ours]


@app.default
def soak(*, minutes: float = 30, rate: float = 3, seed: int | None = None) -> int:
    """Publish events for so long, inject faults meanwhile, and report what was lost or leaked.

    Args:
        minutes: How long events are published.
        rate: Events a second.
        seed: Seed of events and faults; a random one, which is printed, if absent.
    """
    out = console()
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    folder = FOLDER / f"soak-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    out.print(f"seed {seed}, {minutes:g} minutes, {rate:g} events a second")
    with exit_on_signals(), FaultSandbox.start(folder, seed, out.print) as target:
        outage = min(LONG_OUTAGE, 60 * minutes / 6)
        target.several_faults = True
        target.sandbox.start_worker(UNHARMED_WORKER)
        ends = time.monotonic() + 60 * minutes
        running = Soak(target, seed, rate, ends, outage, target.verifier.begin(seed))
        late = _watch(out, running)
        comparison = target.verifier.wait(running.published(), TIMEOUT)
    return _report(out, running, comparison, late)


def _watch(out: Console, running: Soak) -> list[Discrepancy]:
    """Compare every minute until all events are published and no fault is injected any more; return what was late."""
    late: list[Discrepancy] = []
    with ThreadPoolExecutor(2) as threads:
        going = [threads.submit(running.publish), threads.submit(running.inject_faults)]
        while not all(each.done() for each in going):
            for _ in range(_SAMPLES):
                wait(going, timeout=60 / _SAMPLES)
                with suppress(KeyError):  # a process that is being started anew
                    running.samples.take(running.target.sandbox)
            late += _minute(out, running)
    for each in going:
        each.result()
    return late


def _minute(out: Console, running: Soak) -> list[Discrepancy]:
    """Compare and print the state; return what is late."""
    late: list[Discrepancy] = []
    with suppress(RequestException):
        late = running.late()
    events = sum(len(batch.events.events) for batch in tuple(running.batches))
    left = max(0.0, running.ends - time.monotonic()) / 60
    last = running.injected[-1] if running.injected else "none"
    out.print(f"{left:.0f} minutes left, {events} events, {len(late)} late; last fault: {last}")
    out.print(running.samples.table())
    return late


def _report(out: Console, running: Soak, comparison: Comparison, late: list[Discrepancy]) -> int:
    leaks = running.samples.leaks()
    out.print(running.samples.table())
    out.print(f"{len(running.injected)} faults; {summary(comparison)}; {len(late)} times something was late")
    if comparison.discrepancies:
        out.print(discrepancy_table(comparison))
    for each in leaks:
        out.print(each)
    result = {
        "seed": running.seed,
        "events": len(running.published().events),
        "faults": running.injected,
        "outcomes": dict(comparison.outcomes),
        "findings": [asdict(each) for each in comparison.discrepancies],
        "late": [asdict(each) for each in late],
        "grown": leaks,
        "processes": {
            name: [asdict(sample) for sample in samples]
            for name, samples in running.samples.by_process.items()
        },
    }
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "soak.json").write_text(json.dumps(result, indent=1) + "\n")
    return 1 if comparison.discrepancies or leaks or late else 0


if __name__ == "__main__":
    sys.exit(app())
