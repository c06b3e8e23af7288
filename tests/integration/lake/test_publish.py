"""What publish makes of staged conversations: the tables say what the rows of DynamoDB say."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.support.emulator import Emulator
from tests.support.lake import AnalyticsWorld, new_id
from tests.support.samples import conversation_names


@pytest.fixture
def world(aws: Emulator) -> AnalyticsWorld:
    """Return an empty bucket, database and table."""
    return AnalyticsWorld(aws)


def test_what_is_staged_stands_in_every_table(world: AnalyticsWorld) -> None:
    """The samples of all media are in the tables as their rows say, and staging is empty afterwards."""
    for sample in conversation_names():
        world.save(new_id(), sample)
    counts = world.publish()
    assert counts.published == len(conversation_names())
    assert counts.rows["conversations"] == len(conversation_names())
    assert world.differences() == []
    assert {row["media_type"] for row in world.rows("interactions")} >= {"voice", "email", "chat"}
    assert world.staged_keys() == []


def test_a_correction_replaces_the_rows(world: AnalyticsWorld) -> None:
    """A later version takes the place of the earlier one in every table, its other interactions stay."""
    corrected, other = new_id(), new_id()
    world.save(corrected, "unsettled")
    world.save(other, "transfer")
    world.publish()
    world.save(corrected, "conference", minute=5)
    world.publish()
    assert len(world.rows("conversations")) == 2
    assert world.differences() == []


def test_a_start_that_moves_over_midnight_stands_in_one_day(world: AnalyticsWorld) -> None:
    """The rows move to the new day, also from the partition of those without a start, and back."""
    moved, other = new_id(), new_id()
    days = []
    for minute, start in enumerate(
        ("2026-03-01T23:59:00.000Z", "2026-03-02T00:01:00.000Z", "", "2026-03-01T23:58:00.000Z")
    ):
        world.save(moved, minute=minute, start=start or "no time")
        world.save(other, minute=minute, start="2026-03-01T10:00:00.000Z")
        world.publish()
        assert world.differences() == []
        days.append({row["day"] for row in world.rows("conversations") if row["interaction_id"] == moved})
    assert days == [{date(2026, 3, 1)}, {date(2026, 3, 2)}, {None}, {date(2026, 3, 1)}]


def test_a_second_run_changes_nothing(world: AnalyticsWorld) -> None:
    """Objects that stand although they were published (the run was killed) are published to the same effect."""
    id_ = new_id()
    record = world.save(id_)
    world.publish()
    before = world.rows("interactions")
    world.stage(id_)
    assert world.publish().published == 1
    assert world.rows("interactions") == before
    assert [row["version"] for row in before] == [record.version]
    assert world.publish().published == 0


def test_versions_of_one_batch_leave_the_newest(world: AnalyticsWorld) -> None:
    """Of three versions in three objects the row's is published; the older ones are dropped."""
    id_ = new_id()
    for minute in range(3):
        world.save(id_, minute=minute)
    counts = world.publish()
    assert (counts.published, counts.dropped, counts.waiting) == (1, 2, 0)
    assert world.differences() == []
    assert world.staged_keys() == []


def test_what_is_read_before_its_row_waits(world: AnalyticsWorld) -> None:
    """An object whose row is not written yet, or is older, stays until the row is there."""
    id_, new = new_id(), new_id()
    world.save(id_)
    later, first = world.stage(id_, minute=3), world.stage(new)
    counts = world.publish()
    assert (counts.published, counts.waiting) == (1, 2)
    assert world.differences() == []
    world.write(later)
    world.write(first)
    assert world.publish().published == 2
    assert world.differences() == []
    assert world.staged_keys() == []


def test_what_waits_for_too_long_is_dropped(world: AnalyticsWorld) -> None:
    """An object whose row was never written is deleted when no run of its time can be left."""
    world.stage(new_id())
    assert world.publish().waiting == 1
    assert world.publish(grace=timedelta(0)).dropped == 1
    assert world.staged_keys() == []
    assert world.rows("conversations") == []


def test_a_forced_save_of_an_older_answer_is_what_the_tables_say(world: AnalyticsWorld) -> None:
    """The row decides, not the greater version."""
    id_ = new_id()
    world.save(id_, minute=5)
    world.publish()
    world.write(world.stage(id_, "transfer", minute=1), force=True)
    world.publish()
    assert world.differences() == []


def test_an_older_answer_that_is_forced_waits_for_its_row(world: AnalyticsWorld) -> None:
    """Read between its object and its row, which still is the newer one, it stays until the row is the older one."""
    id_ = new_id()
    world.save(id_, minute=5)
    world.publish()
    record = world.stage(id_, "transfer", minute=1, forced=True)
    assert world.publish().waiting == 1
    world.write(record, force=True)
    assert world.publish().published == 1
    assert world.differences() == []
    assert world.staged_keys() == []


def test_a_tombstone_keeps_what_is_staged_out(world: AnalyticsWorld) -> None:
    """What was staged before an erasure is dropped, not published."""
    id_ = new_id()
    world.save(id_)
    world.interactions.write_tombstone(id_, "receipt")
    assert world.publish().dropped == 1
    assert world.rows("conversations") == []
    assert world.staged_keys() == []
