"""What a statement reads: every column and day that its answer depends on, and no other where the plan says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from pyiceberg import expressions
from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, Or

from tasks.lake.asking.plan import PLANNING, Need, needs
from tasks.lake.asking.session import connect, create_tables
from tasks.lake.schema import TABLES

DAY, NEXT_DAY = date(2026, 3, 4), date(2026, 3, 5)
Comparison = Callable[..., BooleanExpression]  # pyiceberg's take what pydantic's plugin does not see
equal: Comparison = expressions.EqualTo
before: Comparison = expressions.LessThan
since: Comparison = expressions.GreaterThanOrEqual
among: Comparison = expressions.In
COLUMNS = {name: [column.name for column in table.columns] for name, table in TABLES.items()}


def planned(sql: str) -> dict[str, Need]:
    """Return what DuckDB's plan of a statement over empty tables needs."""
    connection = connect(PLANNING)
    create_tables(connection, TABLES.values())
    return needs(connection, sql, COLUMNS)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1", {}),
        ("select count(*) from surveys", {"surveys": set()}),
        ("select media_type from interactions", {"interactions": {"media_type"}}),
        ("select i.media_type from (select * from interactions) i", {"interactions": {"media_type"}}),
        (
            "select count(*) from interactions where direction = 'inbound'",
            {"interactions": {"direction"}},
        ),
        (
            "select i.direction, count(*) from interactions i join agents a using (interaction_id) group by 1",
            {"interactions": {"direction", "interaction_id"}, "agents": {"interaction_id"}},
        ),
        ("select q from interactions, unnest(queue_ids) as u(q)", {"interactions": {"queue_ids"}}),
        ("from divisions", {"divisions": {"id", "name"}}),
        ("select divisions from divisions", {"divisions": {"id", "name"}}),
        ("select columns('.*_name') from surveys", {"surveys": {"form_name"}}),
        ("with u as materialized (from users) select id from u", {"users": {"id"}}),
        ("select position from agents order by talk_ms limit 3", {"agents": {"position", "talk_ms"}}),
        ("select (select max(name) from users)", {"users": {"name"}}),
    ],
)
def test_columns(sql: str, expected: dict[str, set[str]]) -> None:
    """Selected, filtered, joined, unnested or sorted by: a column is needed; what only stands beside it is not."""
    assert {name: set(need.columns) for name, need in planned(sql).items()} == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("day = '2026-03-04'", equal("day", DAY)),
        ("'2026-03-04' = day and media_type = 'voice'", equal("day", DAY)),
        (
            "day >= date '2026-03-04' and day < '2026-03-05'",
            And(since("day", DAY), before("day", NEXT_DAY)),
        ),
        ("day in ('2026-03-04', '2026-03-05')", among("day", {DAY, NEXT_DAY})),
        ("day = date '2026-03-01' + 3", equal("day", DAY)),
        ("true", AlwaysTrue()),
        ("day = '2026-03-04' or media_type = 'voice'", AlwaysTrue()),
        ("day is null", AlwaysTrue()),
        ("day <> '2026-03-04'", AlwaysTrue()),
        ("not day = '2026-03-04'", AlwaysTrue()),
        ("media_type = $$(day = '2026-03-04'::DATE)$$", AlwaysTrue()),
    ],
)
def test_days(condition: str, expected: BooleanExpression) -> None:
    """A condition on the day that every row must pass chooses files; of any other condition nothing is assumed."""
    assert planned(f"select 1 from interactions where {condition}")["interactions"].days == expected  # noqa: S608


def test_a_table_that_is_read_twice_is_read_for_both() -> None:
    """The columns and days of either scan are needed; a scan of all days needs all."""
    both = (
        "select (select count(*) from agents where day = '2026-03-04'), (select max(talk_ms) from agents {})"
    )
    need = planned(both.format("where day = '2026-03-05'"))["agents"]
    assert need.columns >= {"talk_ms"}
    assert need.days == Or(equal("day", DAY), equal("day", NEXT_DAY))
    assert planned(both.format(""))["agents"].days == AlwaysTrue()
