"""What inspecting found, for a person and for a program."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deployments.inspect import Findings, InspectSettings, inspect
from tasks.errors import PipelineError
from tasks.events.shapes import canonical_id

FOUND, UNKNOWN, WRONG = 0, 1, 2


async def show(interaction_id: str, *, reveal: bool, as_json: bool) -> int:
    """Inspect and print; the exit code: 0 found, 1 unknown, 2 could not be looked for."""
    id_ = canonical_id(interaction_id.strip())
    if id_ is None:
        return _wrong(
            "that is no interaction id: give the UUID (8-4-4-4-12 hexadecimal digits)", as_json=as_json
        )
    try:
        findings = await inspect(id_, InspectSettings(), reveal=reveal)
    except ValidationError as error:
        return _wrong(_missing(error), as_json=as_json)
    except (PipelineError, ValueError) as error:
        return _wrong(str(error), as_json=as_json)
    if as_json:
        sys.stdout.write(json.dumps(findings.plain(), indent=2, default=_number) + "\n")
    else:
        _print(findings, Console())
    return FOUND if findings.known else UNKNOWN


def _missing(error: ValidationError) -> str:
    names = ", ".join(str(each["loc"][0]).upper() for each in error.errors())
    return f"not set, or not usable: {names}. For a sandbox: `set -a; . .sandbox/env`"


def _wrong(message: str, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps({"error": message}) + "\n")
    else:
        Console(stderr=True).print(message, markup=False, highlight=False, soft_wrap=True)
    return WRONG


def _print(findings: Findings, console: Console) -> None:
    console.print(f"[bold]{findings.interaction_id}[/bold]\n{escape(findings.answer)}", soft_wrap=True)
    if findings.record is not None:
        console.print(_pairs("The record", findings.record))
    if findings.conversations is not None:
        console.print(f"Whole conversations in the bucket: {findings.conversations}")
    for row in findings.quarantine:
        console.print(_pairs("In quarantine", row))
    if findings.dead_letters is not None:
        found, looked = len(findings.dead_letters["found"]), findings.dead_letters["looked"]
        console.print(f"Dead letters about it: {found} among {looked}")
    if findings.runs:
        console.print(_runs(findings))
    for note in findings.notes:
        console.print(f"[dim]{escape(note)}[/dim]", soft_wrap=True)


def _pairs(title: str, values: dict[str, Any]) -> Table:
    table = Table("field", "value", title=title, title_justify="left")
    for name, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value, default=_number, ensure_ascii=False)
        table.add_row(name, escape(text))
    return table


def _runs(findings: Findings) -> Table:
    table = Table("when", "run", "state", "what it did", title="Runs", title_justify="left")
    for run in findings.runs:
        link = run.url or run.flow_run_id
        name = escape(run.name or "forgotten by Prefect")
        table.add_row(run.at or "", f"{name}\n{escape(link)}", run.state or "", run.role)
    return table


def _number(value: object) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set):
        return sorted(value)
    return str(value)
