"""What inspecting found, for a person and for a program."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Any

from botocore.exceptions import BotoCoreError
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deployments.errors import CommandError
from deployments.inspect import Findings, InspectSettings, inspect
from infra.aws_errors import meaning
from infra.errors import InvalidInput
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
        return _wrong(_unusable(error), as_json=as_json)
    except BotoCoreError as error:
        return _wrong(str(meaning(error, flags=False)), as_json=as_json)
    except PipelineError as error:
        return _wrong(_told(error), as_json=as_json)
    except (CommandError, InvalidInput, ValueError) as error:
        return _wrong(str(error), as_json=as_json)
    if as_json:
        sys.stdout.write(json.dumps(findings.plain(), indent=2, default=_number) + "\n")
    else:
        _print(findings, Console())
    return FOUND if findings.known else UNKNOWN


def _unusable(error: ValidationError) -> str:
    """Name each variable and what is wrong with it, without its value."""
    wrong = {
        "missing": "is not set",
        "string_pattern_mismatch": "is no table's name (3 to 255 letters, digits, '_', '.', '-')",
    }
    told = [f"{str(e['loc'][0]).upper()} {wrong.get(e['type'], 'is not usable')}" for e in error.errors()]
    return f"{'; '.join(told)}. For a sandbox: `set -a; . .sandbox/env`"


def _told(error: PipelineError) -> str:
    """Say what keeps AWS from answering, when that is in our hands: the store's error has botocore's behind it."""
    if not isinstance(error.__context__, BotoCoreError):
        return str(error)
    means = meaning(error.__context__, flags=False)
    return str(means) if means.ours else f"{error}; {means}"


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
