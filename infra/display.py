"""What the command line shows: plans, progress, tables; and the questions it asks."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from infra.checks.result import Result
    from infra.redriving import Reason
    from infra.stack import Plan, Step

# A pipe has no width of its own, and eighty columns would cut names in two.
WIDTH = None if sys.stdout.isatty() else 200
console = Console(width=WIDTH)
errors = Console(stderr=True, width=WIDTH)
STATES = {"pass": "green", "fail": "red", "unknown": "yellow"}
COLOURS = {"Add": "green", "Modify": "yellow", "Remove": "red"}


def show_plan(plan: Plan) -> None:
    """Show what would change, the parameters first."""
    for name, (old, new) in sorted(plan.parameters.items()):
        console.print(
            f"  {name}: [red]{old if old is not None else '(template default)'}[/] -> [green]{new}[/]"
        )
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


def show_step(step: Step) -> None:
    """Show a step that is over, or that failed."""
    if step.status.endswith(("_COMPLETE", "_FAILED")) or step.reason:
        colour = "red" if step.failed else "green" if step.status.endswith("_COMPLETE") else "white"
        console.print(
            f"  [{colour}]{step.status:28}[/] {step.resource} [dim]{step.kind}[/] {escape(step.reason)}"
        )


def show_pairs(pairs: Mapping[str, str]) -> None:
    """Show names and values."""
    table = Table(box=None, show_header=False)
    for name, value in sorted(pairs.items()):
        table.add_row(f"[bold]{name}[/]", value)
    console.print(table)


def confirm(question: str, word: str = "yes") -> bool:
    """Return whether the person typed the word; no terminal is a no."""
    try:
        return console.input(f"{question} [dim](type {word})[/] ").strip() == word
    except EOFError:
        return False


def show_checks(results: Sequence[Result]) -> None:
    """Show a table of checks; what has to be mended stands below its check."""
    table = Table("Check", "", "Found", box=None, header_style="bold")
    for result in results:
        colour = STATES[result.state]
        mend = f"\n[bold]mend:[/] {escape(result.mend)}" if result.mend else ""
        table.add_row(result.name, f"[{colour}]{result.state}[/]", escape(result.found) + mend)
    console.print(table)


def show_reasons(total: int, reasons: Sequence[Reason]) -> None:
    """Show why letters are dead, how many of those that were looked at, and since when."""
    table = Table("Count", "Since", "Reason", box=None, header_style="bold")
    for reason in reasons:
        table.add_row(str(reason.count), f"{reason.since:%Y-%m-%d %H:%M:%S}", escape(reason.text))
    console.print(f"{total} dead letters, {sum(reason.count for reason in reasons)} of them looked at:")
    console.print(table)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar; yield what to call with every step's size."""
    with Progress(console=console) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
