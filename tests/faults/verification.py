"""Publish events on a sandbox and compare what became of them with what Genesys holds.

`run` publishes events and waits until no discrepancy is left; `put` only publishes and writes FILE, `check` waits
for the events of FILE. Any running sandbox will do: `set -a; . .sandbox/env; set +a`, then
`python -m tests.faults.verification run`.
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

from tests.faults.discrepancies import (
    Expected,
    Observed,
    count_outcomes,
    find_discrepancies,
)
from tests.faults.discrepancy import Discrepancy
from tests.faults.event_generator import EventGenerator, GeneratedEvent, in_tens
from tests.faults.published_events import PublishedEvents
from tests.faults.sandbox_view import SandboxView

FILE = Path(".sandbox/published-events.json")
POLL = 3.0  # seconds between two comparisons
TIMEOUT = 300.0  # seconds within which every discrepancy must disappear
MAX_SHOWN = 50  # discrepancies that are printed
app = App(name="verification", help=__doc__)
_NO_ANSWER = Discrepancy("no answer", "the sandbox", "a part of it does not answer")
OnProgress = Callable[[int, int], None]  # called with how many of how many are done
T = TypeVar("T")


@dataclass
class Comparison:
    """The discrepancies that are left, and the outcomes of the events."""

    discrepancies: list[Discrepancy]
    seconds: float  # that the comparison waited
    outcomes: Counter[str] = field(default_factory=Counter)


class Verifier:
    """Publishes events on a sandbox and compares."""

    def __init__(self, view: SandboxView) -> None:
        self.view = view

    def begin(self, seed: int) -> PublishedEvents:
        """Return an empty list of published events that knows what the tables hold already."""
        now = datetime.now(UTC).isoformat()
        known = [str(row["interactionId"]) for row in self.view.interactions("interactionId")]
        rows = [str(row["quarantineId"]) for row in self.view.quarantine("quarantineId")]
        return PublishedEvents(seed, since=now, known_interactions=known, known_quarantine=rows)

    def publish(
        self,
        published: PublishedEvents,
        events: list[GeneratedEvent],
        pause: float = 0.0,
        on_progress: OnProgress = lambda *_: None,
    ) -> None:
        """Put events on the bus, ten at a time with `pause` seconds between, and add each to `published`."""
        for number, ten in enumerate(in_tens(events)):
            for event in ten:
                if event.ends_again:
                    self.view.end_again(event.subject)
            ids = self.view.put([event.entry for event in ten])
            for event, event_id in zip(ten, ids, strict=True):
                published.add(event_id, event.subject, valid=event.valid, ends_again=event.ends_again)
            on_progress(number * 10 + len(ten), len(events))
            time.sleep(pause)

    def wait(
        self,
        published: PublishedEvents,
        timeout: float = TIMEOUT,
        on_progress: OnProgress = lambda *_: None,
        expected: dict[str, Expected] | None = None,
    ) -> Comparison:
        """Wait until no discrepancy is left or the time is over, and return the last comparison.

        The whole comparison is made only when the cheap count of `_progress` is complete. `expected` holds the
        records that are known already, and is added to.
        """
        began = time.monotonic()
        expected = {} if expected is None else expected
        expected |= self.view.expected(published.interactions.keys() - expected.keys())
        while True:
            time_left = time.monotonic() - began < timeout
            done, total = _or_none(lambda: self._progress(published, expected)) or (0, 1)
            on_progress(done, total)
            if done == total or not time_left:
                observed = _or_none(lambda: self.view.observed(published.since, published.erased))
                found = (
                    find_discrepancies(published, expected, observed)
                    if observed is not None
                    else [_NO_ANSWER]
                )
                if not found or not time_left:
                    outcomes = count_outcomes(published, observed or Observed())
                    return Comparison(found, time.monotonic() - began, outcomes)
            time.sleep(POLL)

    def compare(self, published: PublishedEvents, expected: dict[str, Expected] | None = None) -> Comparison:
        """Compare once, without waiting."""
        return self.wait(published, 0, expected=expected)

    def _progress(self, published: PublishedEvents, expected: dict[str, Expected]) -> tuple[int, int]:
        """Return how much of how much is as expected, judged by a few attributes."""
        names = ("interactionId", "contentHash", "dueAt", "erasedAt")
        rows = {row["interactionId"]: row for row in self.view.interactions(*names) if "dueAt" not in row}
        right = sum(
            rows.get(id_, {}).get("contentHash") == expected[id_].record.content_hash
            for id_ in published.interactions
        )
        quarantined = {row["quarantineId"] for row in self.view.quarantine("quarantineId")}
        new = min(len(quarantined - set(published.known_quarantine)), len(published.invalid))
        waiting = self.view.unfinished() + self.view.messages(self.view.addresses.buffer_queue_url)
        erased = sum("erasedAt" in rows.get(id_, {}) for id_ in published.erased)
        wanted = len(published.interactions) + len(published.erased) + len(published.invalid)
        return right + erased + new, wanted + waiting


def console() -> Console:
    """Return the terminal, or a console of 160 columns where the output is a file."""
    found = Console()
    return found if found.is_terminal else Console(width=160)


def _or_none(look: Callable[[], T]) -> T | None:
    """Return what `look` returns, or None when a part of the sandbox does not answer at the moment."""
    try:
        return look()
    except (RequestException, ClientError, BotoCoreError):
        return None


def summary(comparison: Comparison) -> str:
    """Return the outcomes and the number of discrepancies in a line."""
    counts = ", ".join(f"{count} {name}" for name, count in comparison.outcomes.items()) or "no outcomes"
    number = len(comparison.discrepancies)
    return f"{counts}; {number or 'no'} discrepancies after {comparison.seconds:.0f} s"


def discrepancy_table(comparison: Comparison) -> Table:
    """Return the first MAX_SHOWN discrepancies as a table."""
    found = comparison.discrepancies
    shown = Table(title=f"{len(found)} discrepancies")
    for heading in ("discrepancy", "of", "details"):
        shown.add_column(heading, overflow="fold")
    for each in found[:MAX_SHOWN]:
        shown.add_row(each.kind, each.subject, each.details[:1000])
    if len(found) > MAX_SHOWN:
        shown.caption = f"and {len(found) - MAX_SHOWN} more"
    return shown


class _ProgressBars:
    """Progress bars on the console."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.progress = Progress(*columns, console=console)

    def add(self, description: str) -> OnProgress:
        """Add a bar; return what moves it."""
        bar = self.progress.add_task(description, total=None)
        return lambda done, of: self.progress.update(bar, completed=done, total=of)


@app.command
def put(*, file: Path = FILE, events: int = 1000, seed: int | None = None) -> None:
    """Put events on the bus and write down which.

    Args:
        file: Where they are written down.
        events: How many.
        seed: The generator's seed; a random one, which is printed, if absent.
    """
    _publish(console(), file, events, seed)


@app.command
def check(*, file: Path = FILE, timeout: float = TIMEOUT) -> int:
    """Wait until there is no discrepancy; return 1 when the time is over before.

    Args:
        file: What `put` wrote.
        timeout: Seconds.
    """
    out = console()
    verifier, published = Verifier(SandboxView.from_environment()), PublishedEvents.read(file)
    bars = _ProgressBars(out)
    with bars.progress:
        comparison = verifier.wait(published, timeout, bars.add("as expected"))
    out.print(
        f"seed {published.seed}, {len(published.events)} events: {summary(comparison)}", highlight=False
    )
    if comparison.discrepancies:
        out.print(discrepancy_table(comparison))
    return 1 if comparison.discrepancies else 0


@app.command
def run(*, file: Path = FILE, events: int = 1000, seed: int | None = None, timeout: float = TIMEOUT) -> int:
    """Put events on the bus, wait, and compare.

    Args:
        file: Where they are written down.
        events: How many.
        seed: The generator's seed; a random one, which is printed, if absent.
        timeout: Seconds within which every discrepancy must disappear.
    """
    _publish(console(), file, events, seed)
    return check(file=file, timeout=timeout)


def _publish(out: Console, file: Path, events: int, seed: int | None) -> None:
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    view, bars = SandboxView.from_environment(), _ProgressBars(out)
    verifier = Verifier(view)
    published = verifier.begin(seed)
    out.print(f"seed {seed}", highlight=False)
    generated = EventGenerator(seed, view.addresses.event_source).events(events)
    with bars.progress:
        verifier.publish(published, generated, on_progress=bars.add("put"))
    published.write(file)


if __name__ == "__main__":
    sys.exit(app())
