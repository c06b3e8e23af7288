"""What the commands print, and the confirmations that they ask for."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from infra.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from infra.dead_letters import DeadLetterReason
    from infra.stack.change_set import Plan, StackEvent
    from infra.verify.check import CheckResult

# A pipe has no width, and rich would wrap names at its default of 80 columns.
WIDTH = None if sys.stdout.isatty() else 200
# Data is escaped, and `:secret:` of an ARN is no emoji.
console = Console(width=WIDTH, emoji=False)
errors = Console(stderr=True, width=WIDTH, emoji=False)
STATES = {"pass": "green", "fail": "red", "unknown": "yellow"}
COLOURS = {"Add": "green", "Modify": "yellow", "Remove": "red"}


def words_aside(*, as_json: bool) -> None:
    """With JSON, print what is for a person on standard error: on standard output is the JSON alone."""
    console.stderr = as_json


def write_json(value: object) -> None:
    """Write JSON on standard output, whatever the console does."""
    sys.stdout.write(json.dumps(value, indent=2, default=_plain) + "\n")


def tell(value: object, *, as_json: bool) -> None:
    """Write JSON, if that was asked for."""
    if as_json:
        write_json(value)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")


def plan_as_json(plan: Plan | None) -> dict[str, Any]:
    """Return the changes of a plan; without one, none."""
    if plan is None:
        return {"changes": [], "parameters": {}}
    return {
        "changes": [asdict(change) for change in plan.changes],
        "parameters": {
            name: {"old": old, "new": new} for name, (old, new) in sorted(plan.parameters.items())
        },
    }


def show_plan(plan: Plan) -> None:
    """Print the changes of the parameters, then those of the resources."""
    for name, (old, new) in sorted(plan.parameters.items()):
        before = escape(old) if old is not None else "(template default)"
        console.print(f"  {name}: [red]{before}[/] -> [green]{escape(new)}[/]")
    table = Table("Action", "Resource", "Type", "Replaced", "Because of", box=None, header_style="bold")
    for change in plan.changes:
        colour = COLOURS.get(change.action, "white")
        table.add_row(
            f"[{colour}]{change.action}[/]",
            change.resource,
            change.kind,
            change.replacement,
            ", ".join(change.causes),
        )
    console.print(table)


def show_retention(values: Mapping[str, str]) -> None:
    """Print how long a stack of these parameters keeps what, and how to change it."""
    kept = {"records": "RecordDays", "whole conversations": "ConversationDays", "raw events": "ArchiveDays"}
    days = {what: _days(values[name]) for what, name in kept.items()}
    if values["Archive"] == "false":
        days["raw events"] = "not at all"
    parts = [f"{what} {how_long}" for what, how_long in days.items()]
    console.print(
        f"Kept: {', '.join(parts)}. Others: --set.RecordDays, --set.ConversationDays, --archive-days."
    )
    workers = {"RETENTION_DAYS": values["RecordDays"], "CONVERSATION_DAYS": values["ConversationDays"]}
    given = [f"{name}={value}" for name, value in workers.items() if value != "0"]
    how = f"with {' '.join(given)}" if given else f"without {' and '.join(workers)}"
    console.print(f"What is in the tables is expired by the workers: run them {how}.")


def _days(value: str) -> str:
    return "for ever" if value == "0" else f"{value} days"


def show_event(event: StackEvent) -> None:
    """Print a stack event that ends a resource's operation, or has a reason."""
    if event.status.endswith(("_COMPLETE", "_FAILED")) or event.reason:
        colour = "red" if event.failed else "green" if event.status.endswith("_COMPLETE") else "white"
        console.print(
            f"  [{colour}]{event.status:28}[/] {event.resource} [dim]{event.kind}[/] {escape(event.reason)}",
            highlight=False,
        )


def show_pairs(pairs: Mapping[str, str]) -> None:
    """Print names and values, sorted by name."""
    table = Table(box=None, show_header=False)
    for name, value in sorted(pairs.items()):
        table.add_row(f"[bold]{name}[/]", escape(value))
    console.print(table)


def confirm(question: str, word: str = "yes") -> bool:
    """Return whether the user typed the word; raises InvalidInput when there is nobody to type it."""
    try:
        return console.input(f"{escape(question)} [dim](type {word})[/] ").strip() == word
    except EOFError:
        console.print()
        way = "give --yes" if word == "yes" else "answer at a terminal"
        raise InvalidInput(f"nothing was done, because there is no terminal to ask at: {way}") from None


def show_check(result: CheckResult) -> None:
    """Print what one check found, as soon as it is known, and its hint."""
    console.print(
        f"[{STATES[result.state]}]{result.state:<7}[/] [bold]{result.name:<22}[/] {escape(result.found)}",
        highlight=False,
        soft_wrap=True,
    )
    if result.hint:
        console.print(f"{'':7} [bold]hint:[/] {escape(result.hint)}", highlight=False, soft_wrap=True)


def show_reasons(total: int, reasons: Sequence[DeadLetterReason]) -> None:
    """Print the reasons of the dead letters that were read: how many have it, and since when."""
    table = Table("Count", "Since", "Reason", box=None, header_style="bold")
    for reason in reasons:
        table.add_row(str(reason.count), f"{reason.since:%Y-%m-%d %H:%M:%S}", escape(reason.text))
    console.print(f"{total} dead letters, {sum(reason.count for reason in reasons)} of them read:")
    console.print(table)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar; yield the function that advances it."""
    with Progress(console=console) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
