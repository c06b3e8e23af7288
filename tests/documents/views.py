"""Each view with a question and its answer, over a day of the simulator's conversations."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from duckdb import DuckDBPyConnection

from deployments.sandbox.genesys.conversations.organization import QUEUES, USERS, WRAP_UP_CODES
from deployments.sandbox.genesys.conversations.registry import Registry
from tasks.lake.asking.contents import of_view
from tasks.lake.asking.session import add_views, connect, create_tables
from tasks.lake.columns import arrow_rows
from tasks.lake.rows import rows_of
from tasks.lake.schema import TABLES
from tasks.lake.views import views
from tasks.records import build_record

COUNT = 300
SECONDS = 120  # of the service level: the simulator's customers wait for minutes
OPENS, CLOSES = datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 16, tzinfo=UTC)
NAMES = {"users": USERS, "queue_names": QUEUES, "wrap_up_codes": WRAP_UP_CODES}
ASKED = {
    "volume_and_handle_time": (
        "select hour, queue_name, interactions, handled, round(average_handle_ms / 1000) as average_handle_s, "
        "round(handle_ms_of_ninety_percent / 1000) as handle_s_of_ninety_percent "
        "from volume_and_handle_time order by interactions desc, hour, queue_name limit 5"
    ),
    "abandonment_and_service_level": (
        "select queue_name, offered, answered, abandoned, flowed_out, round(abandonment_rate, 3) as abandonment_rate, "
        "round(service_level, 3) as service_level from abandonment_and_service_level order by offered desc, queue_name"
    ),
    "agent_day": (
        "select user_name, handled, not_answered, talk_ms // 60000 as talk_minutes, hold_ms // 60000 as hold_minutes, "
        "acw_ms // 60000 as acw_minutes from agent_day order by handled desc, user_name limit 5"
    ),
    "wrap_up_distribution": (
        "select queue_name, code_name, wrap_ups, round(share, 3) as share from wrap_up_distribution "
        "where queue_name = 'Billing' order by wrap_ups desc, code_name"
    ),
    "transfers_between_queues": (
        "select from_queue_name, to_queue_name, transfers, after_an_answer from transfers_between_queues "
        "order by transfers desc, from_queue_name, to_queue_name limit 5"
    ),
    "repeats_within_seven_days": (
        "select queue_name, interactions, repeated, round(repeat_rate, 3) as repeat_rate "
        "from repeats_within_seven_days order by repeat_rate desc, queue_name"
    ),
}
"""A question for each view, in the order of the document."""


def shown() -> str:
    """Return every view: what it is, a command, and what that prints."""
    connection = _published()
    return "\n\n".join(_view(connection, name, sql) for name, sql in ASKED.items())


def _view(connection: DuckDBPyConnection, name: str, sql: str) -> str:
    description = of_view(name, views(SECONDS)[name], []).description
    command = f'interactions sql "{sql}"'
    command = f"SERVICE_LEVEL_SECONDS={SECONDS} {command}" if "service_level" in sql else command
    command = f"{command} --reveal" if "user_name" in sql else command
    result = connection.sql(sql).to_arrow_table()
    rows = [
        dict(zip(result.column_names, row, strict=True))
        for row in zip(*result.to_pydict().values(), strict=True)
    ]
    lines = [
        f"### {name}",
        "",
        f"{description}. In SQL: [{name}.sql](../tasks/lake/views/{name}.sql).",
        "",
        "```sh",
        command,
        "```",
        "",
        f"| {' | '.join(result.column_names)} |",
        f"|{'---|' * len(result.column_names)}",
        *(f"| {' | '.join(map(_text, row.values()))} |" for row in rows),
    ]
    return "\n".join(lines)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _published() -> DuckDBPyConnection:
    connection = connect()
    create_tables(connection, TABLES.values())
    rows: dict[str, list[dict[str, Any]]] = {
        name: [{"id": each.id, "name": each.name} for each in found] for name, found in NAMES.items()
    }
    for of_one in _interactions():
        for name, found in of_one.items():
            rows.setdefault(name, []).extend(found)
    for name, found in rows.items():
        connection.register("published", arrow_rows(name, found))
        connection.execute(f'INSERT INTO "{name}" BY NAME FROM published')
    add_views(connection, views(SECONDS), {})
    return connection


def _interactions() -> Iterator[dict[str, list[dict[str, Any]]]]:
    """Yield the rows of each conversation; ids, and with them the conversations, are the same each time."""
    opens, closes = (int(moment.timestamp() * 1000) for moment in (OPENS, CLOSES))
    registry = Registry(opens)
    for number in range(COUNT):
        id_ = str(uuid.uuid5(uuid.NAMESPACE_OID, f"analytics {number}"))
        registry.add(id_, opens, closes)
        conversation = registry.actual(id_)
        yield rows_of(build_record(conversation, CLOSES).content, conversation)
