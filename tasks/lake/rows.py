"""An interaction's rows in every table, from its item in DynamoDB and Genesys's conversation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

from tasks.lake.column_values import STORED, Reader, reader_of_genesys
from tasks.lake.schema import TABLES, Kind
from tasks.records.customer import disconnect_type, left_at
from tasks.records.json_text import json_text
from tasks.records.json_values import number, objects
from tasks.records.sessions import NO_TIME, Session, sessions_of
from tasks.values import instant

Row = dict[str, Any]
Fields = Mapping[str, Any]

_STORED_TABLES = frozenset({"conversations", "interactions", "agents", "queue_visits", "wrap_ups"})
_PARTICIPANT_FIELDS = (
    "participantId",
    "purpose",
    "userId",
    "teamId",
    "externalContactId",
    "externalOrganizationId",
    "participantName",
)
_CONNECTED = ("interact", "barging")


def rows_of(row: Fields, conversation: Fields) -> dict[str, list[Row]]:
    """Return the rows of one interaction by table, each with every column of its table; a table may have none.

    `row` is the interaction's item, whose content decides what `interactions`, `agents`, `queue_visits` and
    `wrap_ups` hold; the other tables are read from the conversation. What cannot be read is null.
    """
    sessions = sessions_of(conversation)
    found: dict[str, Iterable[Row]] = {
        "conversations": [_read("conversations", row) | {"body": json_text(conversation)}],
        "sessions": map(_session, sessions),
        "segments": _parts("segments", sessions),
        "metrics": _parts("metrics", sessions),
        "agents": (_read("agents", agent) for agent in _numbered(row.get("agents"))),
        "queue_visits": map(_queue_visit, _numbered(row.get("queues"))),
        "wrap_ups": _wrap_ups(row),
        "surveys": (_read("surveys", each) for each in objects(conversation.get("surveys"))),
        "evaluations": (_read("evaluations", each) for each in objects(conversation.get("evaluations"))),
        "interactions": [_interaction(row)],
    }
    key = {"interaction_id": STORED[Kind.TEXT](row.get("interactionId")), "day": day_of(row)}
    return {name: [key | each for each in rows] for name, rows in found.items()}


def day_of(row: Fields) -> date | None:
    """Return the partition of an item's rows, the UTC day of its start; None for an item without one."""
    found: date | None = STORED[Kind.DATE](row.get("startedAt"))
    return found


def _read(table: str, fields: Fields) -> Row:
    """Return a row without interaction and day, as far as its columns are fields that are there."""
    return {
        name: None if (value := fields.get(field)) is None else read(value)
        for name, field, read in _columns(table)
    }


@cache
def _columns(table: str) -> list[tuple[str, str, Reader]]:
    """Return name, field and reader of each column but interaction and day."""
    stored = table in _STORED_TABLES
    return [
        (each.name, each.field, STORED[each.kind] if stored else reader_of_genesys(each))
        for each in TABLES[table].columns[2:]
    ]


def _session(session: Session) -> Row:
    flow = session.fields.get("flow")
    of_flow = {f"flow.{name}": value for name, value in flow.items()} if isinstance(flow, dict) else {}
    connected = (each.start for each in session.segments if each.kind in _CONNECTED)
    return _read("sessions", {**session.fields, **of_flow, **_participant(session)}) | {
        "started_at": _time(min((each.start for each in session.segments), default=None)),
        "connected_at": _time(min(connected, default=None)),
        "ended_at": _time(left_at([session])),
        "disconnect_type": disconnect_type([session]),
    }


def _parts(table: str, sessions: Iterable[Session]) -> Iterator[Row]:
    """Yield a row for each object in the sessions' list of this name, segments or metrics."""
    for session in sessions:
        holder = {name: session.fields.get(name) for name in ("sessionId", "mediaType")}
        holder |= _participant(session)
        for part in objects(session.fields.get(table)):
            yield _read(table, {**part, **holder})


def _participant(session: Session) -> Row:
    return {name: session.participant.get(name) for name in _PARTICIPANT_FIELDS}


def _numbered(value: Any) -> Iterator[Row]:
    """Yield the objects of a list, each with its place from 1."""
    for position, fields in enumerate(objects(value), start=1):
        yield {**fields, "position": position}


def _queue_visit(visit: Fields) -> Row:
    return _read("queue_visits", visit) | {"consult": visit.get("consult") is True}


def _wrap_ups(row: Fields) -> Iterator[Row]:
    for agent in _numbered(row.get("agents")):
        of_agent = {"agentPosition": agent["position"], "userId": agent.get("userId")}
        for wrap_up in _numbered(agent.get("wrapUps")):
            yield _read("wrap_ups", {**wrap_up, **of_agent})


def _interaction(row: Fields) -> Row:
    metrics, expires_at = row.get("metrics"), number(row.get("expiresAt"))
    return _read("interactions", row) | {
        "metrics": json_text(dict(sorted(metrics.items()))) if isinstance(metrics, dict) else None,
        "expires_at": None if expires_at is None else instant(int(expires_at) * 1000),
    }


def _time(milliseconds: int | None) -> Any:
    return None if milliseconds in (None, NO_TIME) else instant(milliseconds)
