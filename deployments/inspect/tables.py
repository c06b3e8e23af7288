"""A record's agents, path and wrap-ups as tables for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from deployments.inspect.findings import HIDDEN
from tasks.records.json_values import objects
from tasks.values import canonical_id, instant

SHORT = 8  # characters of an id
_NOTE = f"Ids without a name are cut to their first {SHORT} characters: --json has them whole."
_TIMES = ("alertMs", "talkMs", "holdMs", "acwMs", "handleMs")

Record = Mapping[str, Any]


def record_tables(record: Record) -> Iterator[Table]:
    """Yield the tables of a record that have rows: agents, queues, wrap-ups. An older row has fewer fields."""
    names = record.get("names")
    names = names if isinstance(names, dict) else {}
    agents = objects(record.get("agents"))
    for table in (_agents(agents, names), _path(record, names), _wrap_ups(agents, names)):
        if table.row_count:
            table.title_justify = table.caption_justify = "left"
            table.caption = _NOTE
            yield table


def label(id_: object, names: Mapping[str, Any], given: object = None) -> str:
    """Return a name, else the beginning of an id that is a UUID, else the id; '-' without any."""
    for name in (names.get(str(id_)), given):
        if name and name != HIDDEN:
            return escape(str(name))
    if not id_:
        return "-"
    return str(id_)[:SHORT] if canonical_id(id_) else escape(str(id_))


def _agents(agents: Iterable[Record], names: Mapping[str, Any]) -> Table:
    table = Table("agent", "role", "spoke at", title="Agents, times in seconds")
    for name in ("rang", "talk", "hold", "acw", "handle"):
        table.add_column(name, justify="right")
    for agent in agents:
        spoke = _clock(agent.get("firstInteractedAt")) if agent.get("interacted", True) else "did not"
        times = (_seconds(agent.get(name)) for name in _TIMES)
        name = label(agent.get("userId"), names, agent.get("name"))
        table.add_row(name, str(agent.get("role", "-")), spoke, *times)
    return table


def _path(record: Record, names: Mapping[str, Any]) -> Table:
    table = Table("queue", "entered", "left", "waited s", "outcome", title="Path through the queues")
    for visit in objects(record.get("queues")):
        entered, left = visit.get("enteredAt"), visit.get("leftAt")
        outcome = str(visit.get("outcome", "-")) + (", consult" if visit.get("consult") else "")
        waited = _between(entered, left)
        table.add_row(label(visit.get("queueId"), names), _clock(entered), _clock(left), waited, outcome)
    return table


def _wrap_ups(agents: Iterable[Record], names: Mapping[str, Any]) -> Table:
    table = Table("at", "agent", "code", title="Wrap-ups")
    rows = [
        (
            str(wrap_up.get("at", "")),
            label(agent.get("userId"), names, agent.get("name")),
            wrap_up.get("code"),
        )
        for agent in agents
        for wrap_up in objects(agent.get("wrapUps"))
    ]
    for at, agent, code in sorted(rows, key=lambda row: row[0]):
        table.add_row(_clock(at), agent, label(code, names) if code else "(none)")
    return table


def _clock(time: object) -> str:
    """Return day and time without the year, to the second, as they are in UTC."""
    return str(time)[5:19].replace("T", " ") if instant(time) else "-"


def _between(start: object, end: object) -> str:
    begun, ended = instant(start), instant(end)
    return f"{(ended - begun).total_seconds():.0f}" if begun and ended else "-"


def _seconds(milliseconds: object) -> str:
    return f"{float(str(milliseconds)) / 1000:.0f}" if milliseconds is not None else "-"
