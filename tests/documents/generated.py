"""The parts of documents that the code makes: a record, its fields' examples, the settings, the analytics tables.

`python -m tests.documents` writes them anew between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from deployments.status.settings import StatusThresholds
from deployments.worker.settings import WorkerSettings
from tasks.genesys import NameKind
from tasks.lake.schema import TABLES, Table
from tasks.pipeline.record_names import keys_of, row_names
from tasks.records import CONTENT_FIELDS, build_record
from tasks.records.customer_keys import CustomerKeys
from tasks.settings import BlockNames, Settings, TaskPolicy
from tasks.stores import NameKey, NewRow, Provenance
from tests.documents import views
from tests.documents.markdown import ROOT, Document
from tests.support.samples import read_conversation

_BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_WIDTH = 100


NAMES = {
    NameKey(NameKind.USER, "b0000000-0000-4000-8000-000000000001"): "Ada Example",
    NameKey(NameKind.QUEUE, "90000000-0000-4000-8000-000000000001"): "Billing",
    NameKey(NameKind.WRAP_UP_CODE, "70000000-0000-4000-8000-000000000001"): "Resolved",
}
"""What the directory says of the ids in the sample."""
KEYS = CustomerKeys(SecretStr("the secret of the sample, no other's"))


def item() -> dict[str, Any]:
    """Return the item that is stored of `tests/conversations/voice.json`."""
    record = build_record(read_conversation("voice"), datetime(2026, 3, 2, 9, 5, tzinfo=UTC))
    provenance = Provenance(
        flow_run_id="f0000000-0000-4000-8000-000000000001",
        attempt=1,
        event_id="e0000000-0000-4000-8000-000000000001",
        event_type="customer.end",
        event_time="2026-03-02T09:03:20.000Z",
        staged="staging/2026-03-02T09-05-01.000Z-d0000000000040008000000000000001.jsonl.gz",
    )
    row = NewRow(record, provenance, names=row_names(record, keys_of(record), NAMES))
    saved_at = {"savedAt": "2026-03-02T09:05:01.000Z"}
    return row.item(expires_at=None) | saved_at | {"customerKeys": KEYS.of_record(record)}


def content() -> dict[str, Any]:
    """Return the part of the item that is derived from the conversation, with the agent's name.

    Sets of what other fields hold in order are left out.
    """
    sets = {"mediaTypes", "divisionIds", "queueIds", "wrapUpCodes", "externalContactIds"}
    shown = {*CONTENT_FIELDS, "agentName"} - sets - {"externalContactId"}
    return {name: value for name, value in item().items() if name in shown}


def as_json(values: dict[str, Any]) -> str:
    """Return JSON with a line for each field, and more for what is too long for one."""
    lines = [f'  "{name}": {_value(value)}' for name, value in values.items()]
    return "```json\n{\n" + ",\n".join(lines) + "\n}\n```"


def _value(value: Any) -> str:
    text = json.dumps(value, default=_plain)
    if len(text) <= _WIDTH:
        return text
    if isinstance(value, dict):
        return "{\n" + ",\n".join(_rows(value)) + "\n  }"
    if isinstance(value, list):
        return "[{\n" + "\n  }, {\n".join(",\n".join(_rows(each)) for each in value) + "\n  }]"
    return text


def _rows(values: dict[str, Any]) -> Iterator[str]:
    row = "   "
    for name, value in values.items():
        pair = f' "{name}": {json.dumps(value, default=_plain)}'
        if len(row) + len(pair) > _WIDTH:
            yield row.rstrip(",")
            row = "   "
        row += pair + ","
    yield row.rstrip(",")


def _plain(value: object) -> int | float | list[str]:
    if isinstance(value, set):
        return sorted(value)
    assert isinstance(value, Decimal)
    return int(value) if value == value.to_integral_value() else float(value)


def settings() -> str:
    """Return a table of every setting, by the class that reads it."""
    parts: list[tuple[str, type[BaseSettings], str]] = [
        ("Workers", Settings, ""),
        ("Tasks and flows", TaskPolicy, ""),
        ("The warm worker", WorkerSettings, "WORKER_"),
        ("Blocks in place of secrets", BlockNames, ""),
        ("The command `interactions status`", StatusThresholds, ""),
    ]
    return "\n\n".join(_settings_of(*part) for part in parts)


def _settings_of(title: str, model: type[BaseSettings], prefix: str) -> str:
    rows = [
        f"| `{prefix}{name.upper()}` | {_default(field)} | {field.description} |"
        for name, field in model.model_fields.items()
    ]
    return "\n".join([f"## {title}", "", "| variable | default | meaning |", "|---|---|---|", *rows])


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "**required**"
    if field.default in (None, "", ()):
        return "not set"
    assert not isinstance(field.default, SecretStr)
    if isinstance(field.default, tuple):
        return ",".join(f"{each:g}" for each in field.default)
    return f"{field.default:g}" if isinstance(field.default, int | float) else f"`{field.default}`"


def tables() -> str:
    """Return every analytics table with its columns."""
    return "\n\n".join(map(_table, TABLES.values()))


def _table(table: Table) -> str:
    rows = [
        f"| `{column.name}` | {column.kind} | {'personal' if column.personal else ''} | {column.description} |"
        for column in table.columns
    ]
    head = [
        f"### {table.name}",
        "",
        f"{table.description}.",
        "",
        "| column | type | | meaning |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


PARTS: dict[str, Callable[[], str]] = {
    "record": lambda: as_json(content()),
    "item": lambda: as_json(item()),
    "settings": settings,
    "tables": tables,
    "views": cache(views.shown),
}


def written_anew(document: Document) -> str:
    """Return a document's text with its generated parts as the code makes them."""
    return _BLOCK.sub(lambda m: f"{m[1]}{PARTS[m[2]]()}\n{m[3]}", document.text)


def write(documents: list[Document]) -> None:
    """Write the generated parts into the documents."""
    for document in documents:
        (ROOT / document.name).write_text(written_anew(document), encoding="utf-8")
