"""The tables themselves: their form, new columns, few files, few snapshots, back-fill, retention, names."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from pyiceberg.manifest import DataFile

from tasks.lake.catalog import Lake
from tasks.lake.columns import arrow_rows
from tasks.lake.iceberg import tables as lake_tables
from tasks.lake.iceberg.commits import commit
from tasks.lake.iceberg.data_files import files_of, write
from tasks.lake.publishing.rebuilder import Rebuilder
from tasks.lake.publishing.reference_tables import replace_names
from tasks.lake.publishing.retention import remove_expired, remove_old_conversations
from tasks.lake.reader import read_conversation
from tasks.lake.schema import TABLES, Column, Kind
from tasks.stores import DirectoryEntry, InteractionTable, NameKey, StoreMisconfigured
from tests.support.bucket_search import objects_with
from tests.support.emulator import Emulator
from tests.support.lake import FETCHED, FEW, GRACE, AnalyticsWorld, new_id

DAY = date(2026, 3, 2)  # of the samples


@pytest.fixture
def world(aws: Emulator) -> AnalyticsWorld:
    """Return a world of few tables."""
    return AnalyticsWorld(aws, FEW)


def data_files(world: AnalyticsWorld, name: str) -> list[DataFile]:
    """Return a table's current data files."""
    return [file.file for file in files_of(world.load()[name], None)]


def test_a_table_has_the_form_that_others_expect(world: AnalyticsWorld) -> None:
    """Format version 2, a partition for each day, sorted by interaction; a file of a day is named after it."""
    world.save(new_id())
    world.publish()
    table = world.load()["interactions"]
    assert table.format_version == 2
    assert [str(field) for field in table.spec().fields] == ["1000: day: identity(2)"]
    assert [field.source_id for field in table.sort_order().fields] == [1]
    assert [f"/day={DAY}/" in file.file_path for file in data_files(world, "interactions")] == [True]
    texts = {str(field.field_type) for field in table.schema().fields}
    assert texts == {"string", "date", "timestamptz", "boolean", "long", "list<string>"}


def test_an_old_table_takes_new_columns(world: AnalyticsWorld) -> None:
    """A table of a former release gets the columns that it lacks; its rows have null there, new ones a value."""
    declared = TABLES["wrap_ups"]
    former = replace(declared, columns=declared.columns[:3])
    table = world.lake.open(former)
    commit(
        table,
        [],
        write(table, arrow_rows("wrap_ups", [{"interaction_id": "old", "day": DAY}]).select([0, 1, 2])),
    )
    more = replace(
        declared, columns=(*declared.columns, Column("added", Kind.TEXTS, "A column of the future"))
    )
    assert len(world.lake.open(more).schema().fields) == len(declared.columns) + 1
    world.save(new_id(), "transfer")
    world.publish()
    rows = {row["interaction_id"]: row for row in world.rows("wrap_ups")}
    assert rows["old"] | {"interaction_id": "", "day": None} == dict.fromkeys(rows["old"]) | {
        "interaction_id": ""
    }
    assert any(row["code"] for row in rows.values())
    assert {len(row) for row in rows.values()} == {len(declared.columns) + 1}


def test_times_never_go_back(world: AnalyticsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a commit of a worker whose clock is an hour ahead all times stay in order: others refuse such a table."""
    ahead = SimpleNamespace(time=lambda: time.time() + 3600)
    with monkeypatch.context() as patch:
        patch.setattr("pyiceberg.table.snapshots.time", ahead)
        world.save(new_id())
        world.publish()
    world.save(new_id())
    world.publish()
    world.erase(new_id())
    world.save(new_id())
    world.publish()
    for name in ("conversations", "interactions"):
        metadata = world.load()[name].metadata
        snapshots = [entry.timestamp_ms for entry in metadata.snapshot_log]
        versions = [entry.timestamp_ms for entry in metadata.metadata_log]
        assert snapshots == sorted(snapshots)
        assert versions == sorted(versions)
        assert metadata.last_updated_ms >= max(*snapshots, *versions)
        assert metadata.last_updated_ms > (time.time() + 1800) * 1000


def test_a_missing_database_is_named(world: AnalyticsWorld) -> None:
    """Where Glue has no such database, the error says what to do."""
    lake = Lake(world.glue, world.s3, world.name, "nowhere")
    with pytest.raises(StoreMisconfigured, match="ANALYTICS_DATABASE"):
        lake.open(TABLES["users"])


def test_files_of_other_interactions_are_not_rewritten(world: AnalyticsWorld) -> None:
    """A new interaction is an append, whatever stands in its day."""
    world.save(new_id())
    world.publish()
    before = {file.file_path for file in data_files(world, "conversations")}
    world.save(new_id())
    world.publish()
    after = {file.file_path for file in data_files(world, "conversations")}
    assert before < after
    assert len(after) == 2


def test_many_files_of_a_day_become_few(world: AnalyticsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Merged files hold the same rows, sorted by interaction; former snapshots can be read until they are deleted."""
    monkeypatch.setattr(lake_tables, "MANY_FILES", 3)
    for _ in range(4):
        world.save(new_id())
        world.publish()
    assert len(data_files(world, "conversations")) == 4
    world.load().compact(DAY)
    assert len(data_files(world, "conversations")) == 1
    ids = [row["interaction_id"] for row in world.rows("conversations")]
    assert ids == sorted(ids)
    assert world.differences() == []
    assert world.load().compact(DAY) == 0


def test_former_snapshots_go_with_their_files(world: AnalyticsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what current rows need stays in the bucket, and what is younger than a reader's time."""
    monkeypatch.setattr(lake_tables, "MANY_SNAPSHOTS", 3)
    id_ = new_id()
    for minute in range(5):
        world.save(id_, minute=minute)
        world.publish()
    now = datetime.now(UTC)
    assert world.load().expire(timedelta(hours=1), GRACE, now) == 0
    assert len([key for key in objects_with(world.s3, world.name, id_) if "conversations" in key]) == 5
    assert world.load().expire(timedelta(0), GRACE, now + timedelta(minutes=1)) > 0
    assert len([key for key in objects_with(world.s3, world.name, id_) if "conversations" in key]) == 1
    assert world.differences() == []


def test_a_day_is_rebuilt_from_its_conversations(world: AnalyticsWorld) -> None:
    """What is lost or spoilt in a table comes back from the conversations and the rows; other days are not touched."""
    for sample in ("voice", "transfer", "chat"):
        world.save(new_id(), sample)
    other = new_id()
    world.save(other, start="2026-03-05T10:00:00.000Z")
    world.publish()
    table = world.load()["wrap_ups"]
    commit(table, [file.file for file in files_of(table, [DAY])], [])
    assert world.differences() != []
    rebuilder = Rebuilder(world.lake, world.interactions, FEW)
    days = rebuilder.days(date(2026, 3, 1), date(2026, 3, 3))
    assert days == [DAY]
    assert rebuilder.rebuild(DAY).published == 3
    assert world.differences() == []


def test_a_conversation_is_read_by_its_id(world: AnalyticsWorld) -> None:
    """With its numbers exact; None in another day, and of an interaction that is not there."""
    id_ = new_id()
    assert read_conversation(world.lake, id_, {DAY}) is None
    world.save(id_)
    world.publish()
    found = read_conversation(world.lake, id_, {DAY, None})
    assert found is not None
    assert (found["conversationId"], str(found["mediaStatsMinConversationMos"])) == (id_, "4.611234")
    assert read_conversation(world.lake, id_, {date(2026, 3, 3)}) is None
    assert read_conversation(world.lake, new_id(), {DAY}) is None


def test_rows_go_when_their_time_is_over(world: AnalyticsWorld) -> None:
    """A day after `expires_at` nothing of the interaction is left; before it, and without a limit, all stays."""
    kept, limited = new_id(), new_id()
    world.save(kept)
    world.interactions = InteractionTable(world.dynamodb, world.name, retention_days=30)
    world.save(limited)
    world.publish()
    end = FETCHED + timedelta(days=31)
    assert remove_expired(world.lake, GRACE, end - timedelta(minutes=1)) == 0
    assert remove_expired(world.lake, GRACE, end + timedelta(minutes=1)) == 1
    assert objects_with(world.s3, world.name, limited) == []
    assert {row["interaction_id"] for row in world.rows("interactions")} == {kept}


def test_whole_conversations_go_before_their_records(world: AnalyticsWorld) -> None:
    """Beyond the limit no file has the body; the rows made of it stay, and what began later, or has no start."""
    old, young = new_id(), new_id()
    world.save(old, start="2026-03-01T12:00:00.000Z", tag="body-of-the-old")
    world.save(young, start="2026-03-03T12:00:00.000Z", tag="body-of-the-young")
    world.publish()
    now = datetime(2026, 3, 12, 9, tzinfo=UTC)
    assert remove_old_conversations(world.lake, timedelta(days=11), GRACE, now) == 0
    assert remove_old_conversations(world.lake, timedelta(days=10), GRACE, now) == 1
    assert {row["interaction_id"] for row in world.rows("conversations")} == {young}
    assert {row["interaction_id"] for row in world.rows("interactions")} == {old, young}
    bodies = [key for key in objects_with(world.s3, world.name, old) if "/conversations/" in key]
    assert bodies == []
    assert remove_old_conversations(world.lake, timedelta(days=10), GRACE, now) == 0


def test_the_tables_of_names_follow_the_directory(world: AnalyticsWorld) -> None:
    """A changed name replaces the former one, which no file has any more; without a change nothing is written."""
    queue = new_id()

    def entries(name: str | None) -> list[DirectoryEntry]:
        return [
            DirectoryEntry(NameKey("queue", queue), name, 0),
            DirectoryEntry(NameKey("user", queue), None, 0),
        ]

    assert replace_names(world.lake, entries("Complaints")) == {"queue_names": 1}
    assert replace_names(world.lake, entries("Complaints")) == {}
    assert replace_names(world.lake, entries("Praise")) == {"queue_names": 1}
    assert world.rows("queue_names") == [{"id": queue, "name": "Praise"}]
    assert objects_with(world.s3, world.name, "Complaints") == []
    assert replace_names(world.lake, []) == {"queue_names": 0}
    assert world.rows("queue_names") == []
