"""Printing the status: what each source says, and under it what to do; JSON for a program."""

from __future__ import annotations

import json
import sys
from datetime import datetime

from pydantic import ValidationError
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deployments.errors import CommandError
from deployments.inspect.output import bad_settings
from deployments.status.finding import Finding, Status, age
from deployments.status.look import look
from deployments.status.settings import StatusSettings, StatusThresholds
from infra.errors import InvalidInput
from tasks.values import iso

FINE, NEEDS_PERSON, FAILED = 0, 1, 2  # exit codes
_COLOURS = {"act": "bold red", "watch": "bold yellow"}
_HEADINGS = {"act": "Needs a person", "watch": "Goes by itself, unless it lasts"}


async def show(*, as_json: bool) -> int:
    """Look at everything and print it; return the exit code."""
    try:
        status = await look(StatusSettings(), StatusThresholds())
    except ValidationError as error:
        return _failed(bad_settings(error), as_json=as_json)
    except (CommandError, InvalidInput) as error:
        return _failed(str(error), as_json=as_json)
    if as_json:
        sys.stdout.write(json.dumps(status.plain(), indent=2, default=_plain) + "\n")
    else:
        print_status(status, Console(highlight=False, emoji=False))
    return NEEDS_PERSON if status.needs_person else FINE


def print_status(status: Status, console: Console) -> None:
    """Print every source's lines, then a block for each thing that is wrong; nothing is cut at 80 columns."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text("at", "bold"), Text(_moment(status.at)))
    for source in status.sources:
        for number, line in enumerate(source.lines):
            grid.add_row(Text("" if number else source.name, "bold"), Text(line))
    console.print(grid)
    for level, heading in _HEADINGS.items():
        if found := [finding for finding in status.findings if finding.level == level]:
            console.print(Text(f"\n{heading}", _COLOURS[level]))
            for finding in found:
                console.print(Text.assemble((finding.code, "bold"), f": {finding.symptom}"))
                console.print(Padding(_more(finding, status.at), (0, 0, 0, 2)))
    if not status.findings:
        console.print(Text("\nNothing is wrong.", "bold green"))


def _more(finding: Finding, now: datetime) -> Text:
    since = f"since {_moment(finding.since)}, {age(finding.since, now)}\n" if finding.since else ""
    lasts = "" if finding.level == "act" else "if it lasts: "
    return Text(f"{since}-> {lasts}{finding.next_step}")


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def _plain(value: object) -> str:
    return iso(value) if isinstance(value, datetime) else str(value)


def _failed(message: str, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps({"error": message}) + "\n")
    else:
        Console(stderr=True, emoji=False).print(message, markup=False, highlight=False, soft_wrap=True)
    return FAILED
