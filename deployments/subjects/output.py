"""Printing what was found, exported or erased: for a terminal, and as JSON for a program. No address is repeated."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from deployments.aws import reason as explained
from deployments.aws import session
from deployments.errors import BadValue, CommandError
from deployments.inspect.lookup import InspectSettings
from deployments.inspect.output import FAILED, KNOWN, UNKNOWN, bad_settings
from deployments.subjects.conversations import conversations
from deployments.subjects.export import Export, export
from flows.reports.refusal import is_done
from infra.errors import explain
from tasks.errors import PipelineError
from tasks.operations.subject import SEGMENTS, Found, Subject, find
from tasks.stores import InteractionTable, dynamodb

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

_SHOWN = ("interactionId", "startedAt", "mediaType", "settled", "erasedAt")


def show_found(subject: Subject, *, as_json: bool) -> int:
    """Print a person's interactions; return inspect's exit code."""
    table, _, _ = _stores()
    found = _from_store(lambda: find(table, subject))
    rows = _from_store(lambda: table.rows(found.interaction_ids))
    shown = [{name: rows[id_].get(name) for name in _SHOWN} for id_ in found.interaction_ids if id_ in rows]
    if as_json:
        _print_json({"known": bool(shown), "interactions": shown, "withoutKeys": found.without_keys})
    else:
        _print_found(shown, found)
    return KNOWN if shown else UNKNOWN


def write_export(subject: Subject, path: Path, *, as_json: bool) -> int:
    """Write a person's export and print what is in it; return 0, or 1 when there is nothing of them."""
    table, settings, aws = _stores()
    done = _from_store(lambda: export(path, table, subject, conversations(settings, aws)))
    if as_json:
        _print_json({"file": str(path)} | done.index(subject))
    else:
        _print_export(path, done)
    return KNOWN if done.interactions else UNKNOWN


def show_run(run: FlowRun, link: str, *, as_json: bool) -> int:
    """Print an erasure's run; return 0 for one that has completed, or was only started, else 2."""
    state = run.state
    failed = state is not None and state.is_final() and not is_done(state)
    if as_json:
        _print_json(
            {"runId": str(run.id), "state": run.state_name, "message": state.message if state else None}
        )
    else:
        _say(
            f"{run.state_name}: {state.message if state and state.message else 'the run is created'}\n{link}"
        )
    return FAILED if failed else KNOWN


def _stores() -> tuple[InteractionTable, InspectSettings, Any]:
    try:
        settings = InspectSettings()
    except ValidationError as error:
        raise BadValue(bad_settings(error)) from None
    aws = session(settings.aws_credentials_block)
    return InteractionTable(dynamodb.client(SEGMENTS, aws), settings.interaction_table), settings, aws


def _from_store(read: Any) -> Any:
    """Return what a store gives. Raises CommandError, with what to do about it."""
    try:
        return read()
    except BotoCoreError as error:
        raise CommandError(str(explain(error, flags=False))) from None
    except PipelineError as error:
        raise CommandError(explained(error)) from None


def _print_found(shown: list[dict[str, Any]], found: Found) -> None:
    table = Table(
        "interaction", "started", "medium", "state", title=f"{len(shown)} interactions", title_justify="left"
    )
    for row in shown:
        table.add_row(
            row["interactionId"], str(row["startedAt"] or "-"), str(row["mediaType"] or "-"), _state(row)
        )
    Console(emoji=False).print(table)
    if found.without_keys:
        _say(f"{found.without_keys} records have no customer keys and were not searched: rebuild them first.")


def _state(row: Mapping[str, Any]) -> str:
    if row["erasedAt"]:
        return "erased"
    return "settled" if row["settled"] else "not settled"


def _print_export(path: Path, done: Export) -> None:
    records = sum(each["record"] for each in done.interactions)
    whole = sum(each["conversation"] is not None for each in done.interactions)
    _say(f"{path}: {len(done.interactions)} interactions, {records} records, {whole} whole conversations")
    for note in done.notes:
        _say(note)


def _say(text: str) -> None:
    Console(emoji=False).print(text, markup=False, highlight=False, soft_wrap=True)


def _print_json(value: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")
