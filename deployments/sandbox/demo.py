"""The demonstration: events on the bus, a table of what became of them."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from typing import Any

import requests
from boto3.dynamodb.types import TypeDeserializer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deployments.sandbox.samples import customer_end, put_events
from deployments.sandbox.stack import EVENT_SOURCE, Sandbox
from tasks.outcomes import Kind, counted

_POLL = 0.25
_SHOWN = 50  # rows of the printed table
_PATIENCE = 300.0  # seconds without any progress, after which the demonstration gives up
_deserialize = TypeDeserializer().deserialize


def demo(sandbox: Sandbox, console: Console, events: int) -> bool:
    """Send `events` events through the sandbox, and show what became of each; whether all were saved."""
    console.print(f"Runs and their artifacts, while it runs: {sandbox.ui_url}", soft_wrap=True)
    started = time.monotonic()
    ids = [str(uuid.uuid4()) for _ in range(events)]
    entries = [customer_end(id_, EVENT_SOURCE) for id_ in ids]
    put_events(sandbox.client("events"), sandbox.addresses.event_bus, entries)
    counts = _watch(sandbox, console, events)
    seconds = time.monotonic() - started
    console.print(_table(sandbox, ids))
    numbers = ", ".join(f"{counts[kind]} {kind.value}" for kind in Kind)
    console.print(f"{numbers} in {seconds:.1f} s", highlight=False)
    return counts[Kind.SAVED] == events


def _watch(sandbox: Sandbox, console: Console, events: int) -> Counter[Kind]:
    """Follow the runs until every event has an outcome."""
    columns = (TextColumn("events with an outcome"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    counts: Counter[Kind] = Counter()
    deadline = time.monotonic() + _PATIENCE
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=events)
        while counts.total() < events and time.monotonic() < deadline:
            before = counts.total()
            counts = outcomes(sandbox.addresses.prefect_api_url)
            progress.update(bar, completed=counts.total())
            if counts.total() > before:
                deadline = time.monotonic() + _PATIENCE
            time.sleep(_POLL)
    return counts


def outcomes(prefect_api_url: str) -> Counter[Kind]:
    """The outcomes that all runs of process-interactions name in their states, added up."""
    return counted(run["state"].get("message") for run in finished_runs(prefect_api_url))


def finished_runs(prefect_api_url: str) -> list[dict[str, Any]]:
    """Every finished run of process-interactions."""
    found: dict[str, dict[str, Any]] = {}  # by id: pages shift while runs finish
    offset = 0
    while True:
        query = {
            "flows": {"name": {"any_": ["process-interactions"]}},
            "flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED"]}}},
            "sort": "START_TIME_ASC",
            "offset": offset,
        }
        answer = requests.post(f"{prefect_api_url}/flow_runs/filter", json=query, timeout=30)
        answer.raise_for_status()
        page = answer.json()
        found |= {run["id"]: run for run in page}
        offset += len(page)
        if not page:
            return list(found.values())


def _table(sandbox: Sandbox, ids: list[str]) -> Table:
    title = f"{len(ids)} interactions in {sandbox.addresses.interaction_table}"
    table = Table(title=title)
    table.add_column("interactionId", min_width=36, no_wrap=True)
    for heading in ("media", "direction", "s", "queues", "wrap-ups", "settled"):
        table.add_column(heading)
    items = _items(sandbox)
    for id_ in ids[:_SHOWN]:
        item = items.get(id_, {})
        table.add_row(
            id_,
            str(item.get("mediaType", "-")),
            str(item.get("direction", "-")),
            str(int(item["durationMs"]) // 1000) if "durationMs" in item else "-",
            str(len(item.get("queueIds", ()))),
            str(len(item.get("wrapUpCodes", ()))),
            _yes_or_no(item["settled"]) if item else "absent",
        )
    if len(ids) > _SHOWN:
        table.caption = f"and {len(ids) - _SHOWN} more"
    return table


def _yes_or_no(value: object) -> str:
    return "yes" if value else "no"


def _items(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    pages = (
        sandbox.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=sandbox.addresses.interaction_table)
    )
    items = ({k: _deserialize(v) for k, v in item.items()} for page in pages for item in page["Items"])
    return {item["interactionId"]: item for item in items}
