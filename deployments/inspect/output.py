"""Printing what is known of an interaction: tables for a terminal, JSON for a program."""

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

from deployments.aws import reason
from deployments.errors import CommandError
from deployments.inspect.findings import Findings
from deployments.inspect.lookup import InspectSettings, inspect
from deployments.inspect.tables import record_tables
from infra.errors import InvalidInput, explain
from tasks.errors import PipelineError
from tasks.values import canonical_id

KNOWN, UNKNOWN, FAILED = 0, 1, 2  # exit codes


async def show(interaction_id: str, *, reveal: bool, as_json: bool) -> int:
    """Look an interaction up and print what is known; return the exit code."""
    id_ = canonical_id(interaction_id.strip())
    if id_ is None:
        return _failed(
            "that is no interaction id: give the UUID (8-4-4-4-12 hexadecimal digits)", as_json=as_json
        )
    try:
        findings = await inspect(id_, InspectSettings(), reveal=reveal)
    except ValidationError as error:
        return _failed(bad_settings(error), as_json=as_json)
    except BotoCoreError as error:
        return _failed(str(explain(error, flags=False)), as_json=as_json)
    except PipelineError as error:
        return _failed(reason(error), as_json=as_json)
    except (CommandError, InvalidInput, ValueError) as error:
        return _failed(str(error), as_json=as_json)
    if as_json:
        sys.stdout.write(json.dumps(findings.plain(), indent=2, default=_plain) + "\n")
    else:
        _print_tables(findings, Console(emoji=False))
    return KNOWN if findings.known else UNKNOWN


def bad_settings(error: ValidationError) -> str:
    """Return each variable and what is wrong with it, without its value."""
    problems = {
        "missing": "is not set",
        "string_pattern_mismatch": "is no table's name (3 to 255 letters, digits, '_', '.', '-')",
    }
    found = [f"{str(e['loc'][0]).upper()} {problems.get(e['type'], 'is not usable')}" for e in error.errors()]
    return f"{'; '.join(found)}. For a sandbox: `set -a; . .sandbox/env`"


def _failed(message: str, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps({"error": message}) + "\n")
    else:
        Console(stderr=True, emoji=False).print(message, markup=False, highlight=False, soft_wrap=True)
    return FAILED


def _print_tables(findings: Findings, console: Console) -> None:
    console.print(f"[bold]{findings.interaction_id}[/bold]\n{escape(findings.answer)}", soft_wrap=True)
    if findings.record is not None:
        in_tables = [*record_tables(findings.record)]
        others = {name: value for name, value in findings.record.items() if name not in ("agents", "queues")}
        console.print(_fields_table("The record", others))
        for table in in_tables:
            console.print(table)
    if findings.conversations is not None:
        staged = "staged for the tables" if findings.staged else "not staged"
        console.print(
            f"Whole conversation: {staged}; objects of releases before 0.2: {findings.conversations}"
        )
    if findings.receipt is not None:
        console.print(_fields_table("The erasure's receipt", findings.receipt))
    for row in findings.quarantine:
        console.print(_fields_table("In quarantine", row))
    if findings.dead_letters is not None:
        found, looked = len(findings.dead_letters["found"]), findings.dead_letters["looked"]
        console.print(f"Dead letters about it: {found} among {looked}")
    if findings.runs:
        console.print(_runs_table(findings))
    for note in findings.notes:
        console.print(f"[dim]{escape(note)}[/dim]", soft_wrap=True)


def _fields_table(title: str, values: dict[str, Any]) -> Table:
    table = Table("field", "value", title=title, title_justify="left")
    for name, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value, default=_plain, ensure_ascii=False)
        table.add_row(name, escape(text))
    return table


def _runs_table(findings: Findings) -> Table:
    table = Table("when", "run", "state", "what it did", title="Runs", title_justify="left")
    for run in findings.runs:
        link = run.url or run.flow_run_id
        name = escape(run.name or "not in Prefect any more")
        table.add_row(run.at or "", f"{name}\n{escape(link)}", run.state or "", run.role)
    return table


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set):
        return sorted(value)
    return str(value)
