"""`demo`: put events on the bus, wait for their outcomes, print a table of the interactions."""

from __future__ import annotations

import time
import uuid
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deployments.inspect.tables import SHORT, label
from deployments.sample_events import customer_end, put_events
from deployments.sandbox.outcomes import Outcomes, wait_for_outcomes
from deployments.sandbox.sandbox import EVENT_SOURCE, Sandbox
from deployments.sandbox.stored import interactions, row_text
from deployments.sandbox.tour import Tour
from tasks.pipeline.outcomes import ALWAYS_REPORTED, OutcomeKind

_MAX_ROWS = 50  # of the printed table
GO_ON = """\
Go on:
  make demo TOUR=1    # a wrong event, one that comes twice, a late end; SQL
  make sandbox        # the same, kept up until Ctrl-C; prints what to type
  make help           # every other command"""


def run_demo(sandbox: Sandbox, console: Console, events: int) -> bool:
    """Send a number of events through the sandbox and print the outcomes. Returns whether all were saved."""
    console.print(f"Runs and their artifacts, while it runs: {sandbox.ui_url}", soft_wrap=True)
    started = time.monotonic()
    ids = _put(sandbox, events)
    counts = _watch(sandbox, console, events)
    seconds = time.monotonic() - started
    _print_interactions(sandbox, console, ids, show_record=True)
    console.print(f"\n{GO_ON}\n", markup=False, highlight=False)
    _print_last_line(console, counts, seconds)
    return counts[OutcomeKind.SAVED] == events


def run_tour(sandbox: Sandbox, console: Console, events: int) -> bool:
    """Do the same, then the tour. Returns whether all were saved and each part of the tour ended as it should."""
    console.print(f"Runs and their artifacts, while it runs: {sandbox.ui_url}", soft_wrap=True)
    started = time.monotonic()
    ids = _put(sandbox, events)
    counts = _watch(sandbox, console, events)
    _print_interactions(sandbox, console, ids, show_record=False)
    tour = Tour(sandbox, console, counts)
    tour.send_events()
    seconds = time.monotonic() - started
    tour.ask()
    _print_last_line(console, tour.counts, seconds)
    return counts[OutcomeKind.SAVED] == events and tour.ended_well


def _put(sandbox: Sandbox, events: int) -> list[str]:
    ids = [str(uuid.uuid4()) for _ in range(events)]
    entries = [customer_end(id_, EVENT_SOURCE) for id_ in ids]
    put_events(sandbox.client("events"), sandbox.addresses.event_bus, entries)
    return ids


def _watch(sandbox: Sandbox, console: Console, events: int) -> Outcomes:
    """Count outcomes until each event has one, or none comes any more."""
    columns = (TextColumn("events with an outcome"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=events)
        return wait_for_outcomes(
            sandbox.addresses.prefect_api_url,
            lambda counts: counts.total() >= events,
            lambda counts: progress.update(bar, completed=counts.total()),
        )


def _print_interactions(sandbox: Sandbox, console: Console, ids: list[str], *, show_record: bool) -> None:
    items = interactions(sandbox)
    title = f"{len(ids)} interactions in {sandbox.addresses.interaction_table}"
    console.print(interactions_table(title, ids, items))
    if show_record and ids[0] in items:
        console.print("\nThe first of them, whole:")
        console.print(row_text(items[ids[0]]), markup=False, highlight=False, soft_wrap=True)


def _print_last_line(console: Console, counts: Outcomes, seconds: float) -> None:
    numbers = ", ".join(f"{counts[kind]} {kind.value}" for kind in ALWAYS_REPORTED)
    console.print(f"{numbers} in {seconds:.1f} s", highlight=False)


def interactions_table(title: str, ids: list[str], items: dict[str, dict[str, Any]]) -> Table:
    """Return a table of 80 columns at most: who handled each interaction, or that nobody did."""
    table = Table(title=title, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("interactionId", min_width=36, no_wrap=True)
    for heading in ("media", "agent", "outcome"):
        table.add_column(heading, overflow="fold")
    table.add_column("s", justify="right", no_wrap=True)
    for id_ in ids[:_MAX_ROWS]:
        item = items.get(id_, {})
        table.add_row(
            id_,
            str(item.get("mediaType", "-")),
            label(item.get("agentId"), item.get("names") or {}, item.get("agentName")),
            _outcome(item),
            str(int(item["durationMs"]) // 1000) if "durationMs" in item else "-",
        )
    more = f"and {len(ids) - _MAX_ROWS} more; " if len(ids) > _MAX_ROWS else ""
    table.caption = f"{more}an agent without a name is shown by the first {SHORT} characters of the id"
    return table


def _outcome(item: dict[str, Any]) -> str:
    if not item:
        return "absent"
    if not item.get("settled"):
        return "unsettled"
    return next((outcome for outcome in ("handled", "abandoned") if item.get(outcome)), "neither")
