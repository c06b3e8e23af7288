"""Everything that a Prefect server shows or keeps, as text to be searched."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

PAGE = 200  # Prefect's most per page


def through_the_api(url: str) -> dict[str, str]:
    """What the API tells of all runs, by kind: runs with parameters and states, logs, artifacts, events."""
    kinds = {
        "runs": "flow_runs",
        "task runs": "task_runs",
        "logs": "logs",
        "artifacts": "artifacts",
        "deployments": "deployments",
        "blocks": "block_documents",
    }
    found = {kind: _text(_pages(url, path)) for kind, path in kinds.items()}
    return found | {"events": _text(_events(url))}


def in_the_database(path: Path) -> dict[str, str]:
    """Every text of every table of the server's SQLite database, by table."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: _text(database.execute(f'SELECT * FROM "{name}"')) for name in names}  # noqa: S608
    finally:
        database.close()


def in_the_logs(folder: Path) -> dict[str, str]:
    """The output of the workers, the server and the emulator (with the bridge in it)."""
    return {
        path.name: path.read_text(errors="replace") for path in folder.glob("*.log") if path.stem != "genesys"
    }


def appearances(texts: dict[str, str], strings: set[str]) -> set[tuple[str, str]]:
    """Where which string appears: plain, or escaped as JSON, or as JSON within JSON."""
    forms = {string: _forms(string) for string in strings}
    return {
        (place, string)
        for place, text in texts.items()
        for string, written in forms.items()
        if any(form in text for form in written)
    }


def _forms(string: str) -> set[str]:
    once = json.dumps(string)[1:-1]
    return {string, once, json.dumps(once)[1:-1]}


def _pages(url: str, path: str) -> Iterator[Any]:
    offset = 0
    while True:
        answer = requests.post(f"{url}/{path}/filter", json={"limit": PAGE, "offset": offset}, timeout=60)
        answer.raise_for_status()
        page = answer.json()
        yield from page
        if len(page) < PAGE:
            return
        offset += PAGE


def _events(url: str) -> Iterator[Any]:
    answer = requests.post(f"{url}/events/filter", json={"limit": 50}, timeout=60)
    while True:
        answer.raise_for_status()
        page = answer.json()
        yield from page["events"]
        if not page.get("next_page"):
            return
        answer = requests.get(page["next_page"], timeout=60)


def _text(things: Any) -> str:
    return "\n".join(json.dumps(thing, ensure_ascii=False, default=_shown) for thing in things)


def _shown(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
