"""The ledger: events on the bus, and whether each of them ended as it should.

`run` puts events and waits until the books balance; `put` only puts and writes FILE, `check` waits for FILE's. Any
running sandbox will do: `set -a; . .sandbox/env`, then `python -m tests.faults.ledger run`.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from cyclopts import App
from requests import RequestException
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.faults.balance import Finding, Observed, Truth, findings, outcomes
from tests.faults.entries import Draws, Step, tens
from tests.faults.plan import Plan
from tests.faults.sandbox_view import View

FILE = Path(".sandbox/ledger.json")
POLL = 3.0  # seconds between two looks
PATIENCE = 300.0  # seconds until the books must balance
SHOWN = 50  # findings that are printed
app = App(name="ledger", help=__doc__)
_SILENT = Finding("no answer", "the sandbox", "a part of it does not answer")
Watch = Callable[[int, int], None]  # hears how many of how many are as they should be
T = TypeVar("T")


@dataclass
class Balance:
    """How the books stand."""

    findings: list[Finding]
    seconds: float  # until they stood so
    outcomes: Counter[str] = field(default_factory=Counter)


class Ledger:
    """Puts events, and compares."""

    def __init__(self, view: View) -> None:
        self.view = view

    def open(self, seed: int) -> Plan:
        """A plan without events yet, which knows what the tables hold already."""
        now = datetime.now(UTC).isoformat()
        known = [str(row["interactionId"]) for row in self.view.interactions("interactionId")]
        rows = [str(row["quarantineId"]) for row in self.view.quarantine("quarantineId")]
        return Plan(seed, put_from=now, known_interactions=known, known_quarantine=rows)

    def put(self, plan: Plan, steps: list[Step], pause: float = 0.0, watch: Watch = lambda *_: None) -> None:
        """Put the steps on the bus, ten at a time with so many seconds between, and note each in the plan."""
        for number, ten in enumerate(tens(steps)):
            for step in ten:
                if step.changes:
                    self.view.change(step.subject)
            ids = self.view.put([step.entry for step in ten])
            for step, event_id in zip(ten, ids, strict=True):
                plan.note(event_id, step.subject, valid=step.valid, changes=step.changes)
            watch(number * 10 + len(ten), len(steps))
            time.sleep(pause)

    def settle(
        self,
        plan: Plan,
        patience: float = PATIENCE,
        watch: Watch = lambda *_: None,
        truth: dict[str, Truth] | None = None,
    ) -> Balance:
        """Wait until the books balance or patience ends; how they stand then.

        The cheap look comes first and again, the whole comparison once it sees nothing wrong. `truth` is what is
        known of it already, and is added to.
        """
        began = time.monotonic()
        truth = {} if truth is None else truth
        truth |= self.view.truths(plan.interactions.keys() - truth.keys())
        while True:
            left = time.monotonic() - began < patience
            right, whole = _asked(lambda: self._glance(plan, truth)) or (0, 1)
            watch(right, whole)
            if right == whole or not left:
                seen = _asked(lambda: self.view.observed(plan.put_from))
                found = findings(plan, truth, seen) if seen else [_SILENT]
                if not found or not left:
                    return Balance(found, time.monotonic() - began, outcomes(plan, seen or Observed()))
            time.sleep(POLL)

    def compare(self, plan: Plan, truth: dict[str, Truth] | None = None) -> Balance:
        """How the books stand now."""
        return self.settle(plan, 0, truth=truth)

    def _glance(self, plan: Plan, truth: dict[str, Truth]) -> tuple[int, int]:
        """How much of how much is as it should be, seen by a few attributes."""
        names = ("interactionId", "contentHash", "dueAt")
        rows = {row["interactionId"]: row for row in self.view.interactions(*names) if "dueAt" not in row}
        right = sum(
            rows.get(id_, {}).get("contentHash") == truth[id_].record.content_hash
            for id_ in plan.interactions
        )
        quarantined = {row["quarantineId"] for row in self.view.quarantine("quarantineId")}
        new = min(len(quarantined - set(plan.known_quarantine)), len(plan.invalid))
        waiting = self.view.unfinished() + self.view.messages(self.view.addresses.buffer_queue_url)
        return right + new, len(plan.interactions) + len(plan.invalid) + waiting


def console() -> Console:
    """The terminal, or wide lines for a file."""
    found = Console()
    return found if found.is_terminal else Console(width=160)


def _asked(look: Callable[[], T]) -> T | None:
    """What a look saw; None when a part of the sandbox does not answer at the moment."""
    try:
        return look()
    except (RequestException, ClientError, BotoCoreError):
        return None


def told(balance: Balance) -> str:
    """The outcomes in a line, and whether the books balance."""
    counts = ", ".join(f"{count} {name}" for name, count in balance.outcomes.items()) or "no outcomes"
    verdict = f"{len(balance.findings)} findings" if balance.findings else "the books balance"
    return f"{counts}; {verdict} after {balance.seconds:.0f} s"


def table(balance: Balance) -> Table:
    """The findings."""
    shown = Table(title=f"{len(balance.findings)} findings")
    for heading in ("finding", "of", "what is known"):
        shown.add_column(heading, overflow="fold")
    for finding in balance.findings[:SHOWN]:
        shown.add_row(finding.kind, finding.subject, finding.known[:1000])
    if len(balance.findings) > SHOWN:
        shown.caption = f"and {len(balance.findings) - SHOWN} more"
    return shown


class _Shown:
    """A bar of progress on the console."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.progress = Progress(*columns, console=console)

    def watch(self, description: str) -> Watch:
        """A new bar."""
        bar = self.progress.add_task(description, total=None)
        return lambda done, of: self.progress.update(bar, completed=done, total=of)


@app.command
def put(*, file: Path = FILE, events: int = 1000, seed: int | None = None) -> None:
    """Put events on the bus and write down which.

    Args:
        file: Where they are written down.
        events: How many.
        seed: What they are drawn from; a fresh one, which is printed, if absent.
    """
    _put(console(), file, events, seed)


@app.command
def check(*, file: Path = FILE, patience: float = PATIENCE) -> int:
    """Wait until everything in FILE is as it should be; end with 1 when patience ends before.

    Args:
        file: What `put` wrote.
        patience: Seconds.
    """
    out = console()
    ledger, plan, shown = Ledger(View.from_environment()), Plan.read(file), _Shown(out)
    with shown.progress:
        balance = ledger.settle(plan, patience, shown.watch("as they should be"))
    out.print(f"seed {plan.seed}, {len(plan.events)} events: {told(balance)}", highlight=False)
    if balance.findings:
        out.print(table(balance))
    return 1 if balance.findings else 0


@app.command
def run(*, file: Path = FILE, events: int = 1000, seed: int | None = None, patience: float = PATIENCE) -> int:
    """Put events, wait, and compare.

    Args:
        file: Where they are written down.
        events: How many.
        seed: What they are drawn from; a fresh one, which is printed, if absent.
        patience: Seconds until the books must balance.
    """
    _put(console(), file, events, seed)
    return check(file=file, patience=patience)


def _put(out: Console, file: Path, events: int, seed: int | None) -> None:
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    view, shown = View.from_environment(), _Shown(out)
    ledger = Ledger(view)
    plan = ledger.open(seed)
    out.print(f"seed {seed}", highlight=False)
    with shown.progress:
        ledger.put(plan, Draws(seed, view.addresses.event_source).steps(events), watch=shown.watch("put"))
    plan.write(file)


if __name__ == "__main__":
    sys.exit(app())
