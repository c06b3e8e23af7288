"""The contents of a Prefect server as text, to be searched."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tasks.events import unpacked
from tasks.events.packed import PREFIX

PAGE = 200  # the largest page that Prefect's API returns


_WORD = re.compile(r"\w+")
_PACKED = re.compile(rf"{PREFIX}[A-Za-z0-9+/=]+")  # the events of a large batch


def through_the_api(url: str) -> dict[str, str]:
    """Return what the API has of all runs, by kind: runs with parameters and states, logs, artifacts, events."""
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


def in_the_database(url: str) -> dict[str, str]:
    """Return the rows of every table of the server's database, by table."""
    return asyncio.run(_read_tables(url))


async def _read_tables(url: str) -> dict[str, str]:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
            rows = {name: await connection.execute(sa.text(f'SELECT * FROM "{name}"')) for name in names}  # noqa: S608
            return {name: _text(list(row) for row in found) for name, found in rows.items()}
    finally:
        await engine.dispose()


def in_the_logs(folder: Path) -> dict[str, str]:
    """Return the logs of the workers, the server and the emulator, which has the bridge's in it."""
    return {
        path.name: path.read_text(errors="replace") for path in folder.glob("*.log") if path.stem != "genesys"
    }


def appearances(texts: dict[str, str], strings: set[str]) -> set[tuple[str, str]]:
    """Return where which string appears: plain, escaped as JSON, or as JSON within JSON.

    A string can only be where its longest word is, so that is looked for first, in each text's distinct words: logs
    repeat theirs, and there are thousands of strings.
    """
    forms = {string: [(form, _longest_word(form)) for form in _forms(string)] for string in strings}
    found = set()
    for place, text in texts.items():
        words = "\n".join(set(_WORD.findall(text)))
        found |= {
            (place, string)
            for string, written in forms.items()
            if any(word in words and form in text for form, word in written)
        }
    return found


def _longest_word(text: str) -> str:
    return max(_WORD.findall(text), key=len, default="")


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
    text = "\n".join(json.dumps(thing, ensure_ascii=False, default=_shown) for thing in things)
    return _PACKED.sub(lambda found: "\n".join(unpacked([found.group()])), text)


def _shown(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
