"""A long run: `python -m tests.faults.soak --minutes 30`.

A steady load, faults at random moments, one long outage; the books are compared every minute, memory and open files
of each process are watched.
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

from deployments.sandbox.__main__ import ending_cleanly
from tests.faults.balance import Finding, Truth
from tests.faults.entries import Draws
from tests.faults.fault import Fault
from tests.faults.faults_of_prefect import unreachable
from tests.faults.ledger import Balance, Ledger, console, table, told
from tests.faults.plan import Plan
from tests.faults.sandbox_view import View
from tests.faults.stand import Stand
from tests.faults.trial import FAULTS
from tests.faults.vitals import Vitals

FOLDER = Path(".sandbox")
OUTAGE = 300.0  # seconds of the long outage, or a sixth of the whole, if that is less
TOLERANCE = 120.0  # seconds, besides the long outage, within which every event must have its outcome
PATIENCE = 600.0  # seconds after the last event until the books must balance
_BETWEEN = (20.0, 60.0)  # seconds between two faults
SPARED = 3  # the number of a worker that no fault kills: one that lives so long shows what it leaks
_LOOKS = 4  # at the processes, each minute
_PAUSE = 10.0  # seconds between two lots of events
app = App(name="soak", help=__doc__)


@dataclass
class Lot:
    """Events put at one time."""

    plan: Plan
    at: float


@dataclass
class Soak:
    """What is going on."""

    stand: Stand
    seed: int
    rate: float  # events a second
    ends: float
    outage: float  # seconds of the long one
    opened: Plan  # what the tables held before
    vitals: Vitals = field(default_factory=Vitals)
    lots: list[Lot] = field(default_factory=list)
    had: list[str] = field(default_factory=list)
    truth: dict[str, Truth] = field(default_factory=dict)  # of what is late; nothing happens to it any more

    def load(self) -> None:
        """Put events until the end, a lot at a time."""
        rng, ledger = random.Random(self.seed), Ledger(View(self.stand.sandbox.addresses))
        while time.monotonic() < self.ends:
            draws = Draws(rng.randrange(1_000_000_000), self.stand.sandbox.addresses.event_source)
            lot = Plan(self.seed)
            began = time.monotonic()
            ledger.put(lot, draws.steps(round(self.rate * _PAUSE)))
            self.lots.append(Lot(lot, time.monotonic()))
            time.sleep(max(0.0, _PAUSE - (time.monotonic() - began)))

    def break_things(self) -> None:
        """Faults at random moments; the long outage in the middle."""
        rng, middle = random.Random(self.seed + 1), (time.monotonic() + self.ends) / 2
        long = Fault(f"Prefect unreachable for {self.outage:.0f} s", unreachable, self.outage)
        left = [long]
        while time.monotonic() < self.ends - self.outage:
            time.sleep(rng.uniform(*_BETWEEN))
            due = time.monotonic() > middle - self.outage and left
            fault = left.pop() if due else rng.choice(FAULTS)
            self.had.append(fault.name)
            with fault.having(self.stand):
                time.sleep(fault.seconds)
            self.stand.heal()

    def whole(self, until: float = float("inf")) -> Plan:
        """Everything that was put until then."""
        plan = replace(self.opened, events={}, interactions={}, invalid=[])
        for lot in tuple(self.lots):
            if lot.at <= until:
                plan.add(lot.plan)
        return plan

    def late(self) -> list[Finding]:
        """What should be there by now and is not."""
        plan = self.whole(time.monotonic() - self.outage - TOLERANCE)
        ours = {*plan.events, *plan.events.values()}
        return [each for each in self.stand.ledger.compare(plan, self.truth).findings if each.subject in ours]


@app.default
def soak(*, minutes: float = 30, rate: float = 3, seed: int | None = None) -> int:
    """Load the sandbox for so long, break it meanwhile, and say whether anything was lost or leaked.

    Args:
        minutes: How long events are put.
        rate: Events a second.
        seed: What events and faults are drawn from; fresh, and printed, if absent.
    """
    out = console()
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    folder = FOLDER / f"soak-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    out.print(f"seed {seed}, {minutes:g} minutes, {rate:g} events a second")
    with ending_cleanly(), Stand.up(folder, seed, out.print) as stand:
        outage = min(OUTAGE, 60 * minutes / 6)
        stand.mixed = True
        stand.sandbox.start_worker(SPARED)
        running = Soak(stand, seed, rate, time.monotonic() + 60 * minutes, outage, stand.ledger.open(seed))
        late = _watch(out, running)
        balance = stand.ledger.settle(running.whole(), PATIENCE)
    return _verdict(out, running, balance, late)


def _watch(out: Console, running: Soak) -> list[Finding]:
    """Look every minute until all events are put and nothing is broken any more; what was late."""
    late: list[Finding] = []
    with ThreadPoolExecutor(2) as threads:
        going = [threads.submit(running.load), threads.submit(running.break_things)]
        while not all(each.done() for each in going):
            for _ in range(_LOOKS):
                wait(going, timeout=60 / _LOOKS)
                with suppress(KeyError):  # a process that is being started anew
                    running.vitals.look(running.stand.sandbox)
            late += _minute(out, running)
    for each in going:
        each.result()
    return late


def _minute(out: Console, running: Soak) -> list[Finding]:
    """Compare, and show what there is to see; what is late."""
    late: list[Finding] = []
    with suppress(RequestException):
        late = running.late()
    events = sum(len(lot.plan.events) for lot in tuple(running.lots))
    left = max(0.0, running.ends - time.monotonic()) / 60
    last = running.had[-1] if running.had else "none"
    out.print(f"{left:.0f} minutes left, {events} events, {len(late)} late; last fault: {last}")
    out.print(running.vitals.table())
    return late


def _verdict(out: Console, running: Soak, balance: Balance, late: list[Finding]) -> int:
    grown = running.vitals.wrong()
    out.print(running.vitals.table())
    out.print(f"{len(running.had)} faults; {told(balance)}; {len(late)} times something was late")
    if balance.findings:
        out.print(table(balance))
    for each in grown:
        out.print(each)
    result = {
        "seed": running.seed,
        "events": len(running.whole().events),
        "faults": running.had,
        "outcomes": dict(balance.outcomes),
        "findings": [asdict(finding) for finding in balance.findings],
        "late": [asdict(finding) for finding in late],
        "grown": grown,
        "processes": {name: [asdict(look) for look in looks] for name, looks in running.vitals.looks.items()},
    }
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "soak.json").write_text(json.dumps(result, indent=1) + "\n")
    return 1 if balance.findings or grown or late else 0


if __name__ == "__main__":
    sys.exit(app())
