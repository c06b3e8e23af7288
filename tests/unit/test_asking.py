"""Questions in SQL: answered from the tables, and from nothing else; persons stay hidden until they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyiceberg.catalog.memory import InMemoryCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform

from tasks.lake.asking.query import Asker, InvalidSql
from tasks.lake.asking.session import connect
from tasks.lake.columns import arrow_rows, iceberg_schema
from tasks.lake.schema import TABLES
from tasks.lake.views import views
from tasks.stores import StoreMisconfigured, StoreUnavailable

DAYS = (date(2026, 3, 4), date(2026, 3, 5), None)
NOON = datetime(2026, 3, 4, 12, 0, 0, 123000, tzinfo=UTC)
ROWS: dict[str, list[dict[str, Any]]] = {
    "interactions": [
        {
            "interaction_id": f"i{n}",
            "day": DAYS[n % 3],
            "started_at": NOON,
            "media_type": "voice" if n % 2 else "chat",
            "duration_ms": n * 1000,
            "queue_ids": ["q1", "q2"][: n % 3],
            "customer_email": f"customer{n}@example.com",
        }
        for n in range(12)
    ],
    "agents": [
        {
            "interaction_id": f"i{n}",
            "day": DAYS[n % 3],
            "position": 1,
            "user_id": "u1",
            "role": "agent",
            "interacted": True,
            "talk_ms": n,
            "handle_ms": n,
        }
        for n in range(12)
    ],
    "metrics": [
        {"interaction_id": "i1", "day": DAYS[1], "name": "tTalk", "value": Decimal("123456789012345.654321")}
    ],
    "users": [{"id": "u1", "name": "Ada Example"}],
}
QUESTIONS = (
    "select count(*) from interactions",
    "select * from interactions order by interaction_id",
    "select media_type, count(*), sum(duration_ms) from interactions group by 1 order by 1",
    "select count(*) from interactions where day = '2026-03-04'",
    "select interaction_id from interactions where day in ('2026-03-04', '2026-03-05') order by 1",
    "select count(*) from interactions where day is null or day > '2026-03-04'",
    "select max(day), min(started_at) from interactions",
    "select q, count(*) from interactions, unnest(queue_ids) as u(q) group by 1 order by 1",
    "select i.interaction_id, a.talk_ms from interactions i join agents a using (interaction_id) order by 1",
    "select count(*) from interactions a join interactions b on a.media_type = b.media_type",
    "select interaction_id from interactions order by duration_ms desc limit 3",
    "select i from interactions i where interaction_id = 'i3'",
    "select * from metrics",
    "select count(*) from surveys",
    "select (select count(*) from agents where day = '2026-03-04'), (select max(talk_ms) from agents)",
    "with a as materialized (from agents) select count(*), sum(talk_ms) from a where talk_ms > 3",
    "summarize users",
)


@contextmanager
def published(folder: Path) -> Iterator[dict[str, Table]]:
    """Make Iceberg tables in a folder: some of the declared ones, as if the others had never been published."""
    catalog = InMemoryCatalog("memory", warehouse=folder.as_uri())
    catalog.create_namespace("lake")
    found = {}
    for name, rows in ROWS.items():
        columns = iceberg_schema(TABLES[name])
        spec = PartitionSpec()
        if TABLES[name].partitioned:
            field = columns.find_field("day").field_id
            spec = PartitionSpec(PartitionField(field, 1000, IdentityTransform(), "day"))
        table = catalog.create_table(("lake", name), columns, partition_spec=spec)
        table.append(arrow_rows(name, rows).cast(table.schema().as_arrow()))
        found[name] = table
    yield found
    catalog.close()


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Table]]:
    """The tables, which no test changes."""
    with published(tmp_path_factory.mktemp("lake")) as found:
        yield found


@pytest.fixture
def asker(tables: dict[str, Table]) -> Asker:
    """Who asks as analysts do."""
    return Asker(tables.get, views(20))


@pytest.fixture
def revealing(tables: dict[str, Table]) -> Asker:
    """Who sees personal columns, too."""
    return Asker(tables.get, views(20), reveal=True)


def answered(asker: Asker, sql: str) -> list[tuple[Any, ...]]:
    """Return an answer's rows."""
    return list(asker.ask(sql).rows())


@pytest.fixture(scope="module")
def whole() -> duckdb.DuckDBPyConnection:
    """DuckDB with every row and every column of every table in its memory."""
    connection = connect()
    for name in TABLES:
        connection.register("rows", arrow_rows(name, ROWS.get(name, [])))
        connection.execute(f'CREATE TABLE "{name}" AS FROM rows')
    return connection


@pytest.mark.parametrize("sql", QUESTIONS)
def test_what_is_left_out_of_the_reading_changes_no_answer(
    revealing: Asker, whole: duckdb.DuckDBPyConnection, sql: str
) -> None:
    """The answer is the one that DuckDB gives with every row and column of all tables at hand."""
    expected = [
        row
        for batch in whole.sql(sql).to_arrow_reader()
        for row in zip(*batch.to_pydict().values(), strict=True)
    ]
    assert answered(revealing, sql) == expected
    assert expected


def test_numbers_and_times_are_exact(asker: Asker) -> None:
    """A decimal has all its digits, a time its milliseconds and UTC, an hour of the day is UTC's."""
    assert answered(asker, "select value from metrics") == [(Decimal("123456789012345.654321"),)]
    ((time, hour),) = answered(asker, "select started_at, hour(started_at) from interactions limit 1")
    assert (time, time.utcoffset().total_seconds(), hour) == (NOON, 0, 12)


def test_only_what_is_needed_is_read(tables: dict[str, Table]) -> None:
    """A table that the statement does not name is not even opened."""
    opened: list[str] = []

    def opening(name: str) -> Table | None:
        opened.append(name)
        return tables.get(name)

    answer = Asker(opening, views(20)).ask("select count(*) from users")
    assert opened == []
    assert list(answer.rows()) == [(1,)]
    assert set(opened) == {"users"}


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('{file}')",
        "select * from read_text('{file}')",
        "select * from read_blob('{file}')",
        "select * from read_json('{file}')",
        "select * from read_parquet('{file}')",
        "select * from parquet_metadata('{file}')",
        "select * from sniff_csv('{file}')",
        "select * from '{file}'",
        "select * from glob('{file}*')",
        "select (select content from read_text('{file}'))",
        "with x as (select * from read_csv('{file}')) select * from x",
        "select * from query('select * from read_csv(''{file}'')')",
        "select * from read_csv('http://127.0.0.1:9/x')",
        "copy users to '{file}'",
        "copy (select 1) to '{file}'",
        "attach '{file}'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "pragma enable_external_access = true",
        "reset lock_configuration",
        "export database '{file}'",
        "import database '{file}'",
        "create secret (type s3)",
        "select 1; copy users to '{file}'",
        "explain analyze copy users to '{file}'",
        "call pragma_version()",
        "prepare x as copy users to '{file}'",
    ],
)
def test_no_file_is_read_or_written(asker: Asker, tmp_path: Path, sql: str) -> None:
    """Whatever is tried, the file's text is not in the answer or the refusal, and no file is made or changed."""
    file = tmp_path / "secret.csv"
    file.write_text("key\nk3-9-secret\n")
    with pytest.raises(InvalidSql) as refusal:
        answered(asker, sql.format(file=file))
    assert "k3-9-secret" not in str(refusal.value)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    assert file.read_text() == "key\nk3-9-secret\n"


def test_the_session_is_sealed(asker: Asker) -> None:
    """External access, extensions and variables of this process are off, and no setting can be changed any more."""
    settings = {
        "enable_external_access": "false",
        "autoload_known_extensions": "false",
        "autoinstall_known_extensions": "false",
        "allow_community_extensions": "false",
        "python_enable_replacements": "false",
        "temp_directory": "",
        "lock_configuration": "true",
        "TimeZone": "UTC",
    }
    assert dict(answered(asker, "select name, value from duckdb_settings()")).items() >= settings.items()


@pytest.mark.parametrize(
    "sql",
    [
        "insert into users values ('u2')",
        "update users set id = 'u2'",
        "delete from users",
        "truncate users",
        "drop table users",
        "alter table users add column x int",
        "create table x (a int)",
        "create or replace view users as select 1 as id",
        "with x as (insert into users values ('u2') returning id) select * from x",
        "begin",
    ],
)
def test_nothing_is_written(asker: Asker, tables: dict[str, Table], sql: str) -> None:
    """A statement that writes is refused, and the tables are as before."""
    before = {name: table.refresh().current_snapshot() for name, table in tables.items()}
    with pytest.raises(InvalidSql):
        answered(asker, sql)
    assert {name: table.refresh().current_snapshot() for name, table in tables.items()} == before


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("", "one SELECT can be asked, and nothing else: this is nothing"),
        ("select 1; select 2", "this is SELECT, SELECT"),
        ("delete from users", "this is DELETE"),
        ("selec 1", 'Parser Error: syntax error at or near "selec"'),
        ("select foo from users", 'Referenced column "foo" not found'),
        ("select * from nothing", "there is no table nothing. There are: conversations, "),
        ("select * from nothing", "users"),
        ("select * from nothing", "agent_day"),
        ("select 'x'::int", "Could not convert string 'x'"),
        (
            "select customer_email from interactions",
            "interactions.customer_email is personal: ask again with --reveal",
        ),
        ("select u.name from users u", "users.name is personal: ask again with --reveal"),
        ("select name from agents", 'Referenced column "name" not found'),
    ],
)
def test_a_refusal_says_what_is_wrong(asker: Asker, sql: str, words: str) -> None:
    """DuckDB's own text with the statement as it was written, or what there is instead, or the flag that is missing."""
    with pytest.raises(InvalidSql) as refusal:
        answered(asker, sql)
    assert words in str(refusal.value)
    assert "EXPLAIN" not in str(refusal.value).upper()


def test_a_person_is_hidden_until_asked_for(asker: Asker, revealing: Asker, tables: dict[str, Table]) -> None:
    """Without --reveal no column that is marked personal is in any relation, however it is asked for."""
    shown = answered(asker, "select table_name || '.' || column_name from information_schema.columns")
    personal = {f"{t.name}.{c.name}" for t in TABLES.values() for c in t.columns if c.personal}
    assert personal & {name for (name,) in shown} == set()
    everything = [answered(asker, f"select * from {name}") for name in tables]  # noqa: S608 - declared names
    everything += [answered(asker, f"select {name} from {name}") for name in tables]  # noqa: S608
    everything += [answered(asker, f"summarize {name}") for name in tables]
    everything += [answered(asker, f"select * from {name}") for name in views(20)]  # noqa: S608
    assert "Ada" not in str(everything)
    assert "@example.com" not in str(everything)
    assert answered(revealing, "select name from users") == [("Ada Example",)]


def test_a_view_hides_only_the_person(asker: Asker, revealing: Asker) -> None:
    """A view with a name in it has a null there, and everything else; with --reveal it has the name."""
    sql = "select user_name, handled from agent_day where day = '2026-03-04'"
    assert answered(asker, sql) == [(None, 4)]
    assert answered(revealing, sql) == [("Ada Example", 4)]


@pytest.mark.parametrize("name", sorted(views(20)))
def test_every_view_can_be_asked(asker: Asker, name: str) -> None:
    """Each view is there, is described by the comment in its file, and has rows or none, but no error."""
    (found,) = [each for each in asker.contents() if each.name == name]
    assert (found.kind, found.rows) == ("view", None)
    assert found.description
    assert found.columns
    assert isinstance(answered(asker, f"select * from {name}"), list)  # noqa: S608 - the file's name


def test_contents_say_what_there_is(asker: Asker) -> None:
    """Every declared table with the rows that stand in it, none for one that was never published, and its columns."""
    found = {each.name: each for each in asker.contents()}
    assert found.keys() == TABLES.keys() | views(20).keys()
    assert {name: found[name].rows for name in (*ROWS, "surveys")} == {
        "interactions": 12,
        "agents": 12,
        "metrics": 1,
        "users": 1,
        "surveys": 0,
    }
    (email,) = [each for each in found["interactions"].columns if each.personal]
    assert (email.name, email.type) == ("customer_email", "text")


def test_a_table_that_may_not_be_read_is_listed_without_its_rows(tables: dict[str, Table]) -> None:
    """An analyst has no permission for the whole conversations, and sees all the same what there is."""

    def allowed(name: str) -> Table | None:
        if name == "conversations":
            raise StoreMisconfigured("bucket: AWS refuses (AccessDenied)")
        return tables.get(name)

    found = {each.name: each for each in Asker(allowed, {}).contents()}
    assert (found["conversations"].rows, found["interactions"].rows) == (None, 12)
    with pytest.raises(StoreMisconfigured):
        answered(Asker(allowed, {}), "select count(*) from conversations")


def test_what_stops_the_reading_is_not_taken_for_bad_sql(tables: dict[str, Table]) -> None:
    """An error of the store is raised as it is, not as a fault of the statement."""

    def broken(name: str) -> Table | None:
        if name == "users":
            raise ConnectionError("the bucket does not answer")
        return tables.get(name)

    with pytest.raises(ConnectionError, match="the bucket does not answer"):
        answered(Asker(broken, {}), "select count(*) from users")


def test_rows_that_are_erased_meanwhile_are_said(tmp_path: Path) -> None:
    """A file that is gone when it is to be read, as an erasure leaves it, is no half answer: ask again."""
    with published(tmp_path) as tables:
        for task in tables["interactions"].scan().plan_files():
            Path(task.file.file_path.removeprefix("file://")).unlink()
        with pytest.raises(StoreUnavailable, match="ask again"):
            answered(Asker(tables.get, {}), "select sum(duration_ms) from interactions")
