"""An erasure reaches every file of the tables: none of them has the id or an address afterwards, in no version."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks.lake.iceberg.tables import INTERACTION_TABLES
from tests.support.bucket_search import objects_with
from tests.support.emulator import Emulator
from tests.support.kill_switch import Killed, KillSwitch
from tests.support.lake import FEW, GRACE, AnalyticsWorld, new_id

ADDRESS = "erase.me@example.com"


def history(world: AnalyticsWorld, erased: str) -> str:
    """Publish an interaction, correct it and move it, beside another one; return the other's id."""
    other = new_id()
    for minute, day in enumerate(("01", "02", "01")):
        world.save(erased, minute=minute, start=f"2026-03-{day}T12:00:00.000Z", tag=ADDRESS)
        world.save(other, minute=minute, start="2026-03-01T12:00:00.000Z")
        world.publish()
    return other


@pytest.mark.parametrize("versioned", [False, True])
def test_no_file_has_a_trace_of_what_was_erased(aws: Emulator, versioned: bool) -> None:
    """The search finds id and address in many files before, in none after; the other interaction stays."""
    world, erased = (
        AnalyticsWorld(aws, FEW if versioned else INTERACTION_TABLES, versioned=versioned),
        new_id(),
    )
    other = history(world, erased)
    world.save(erased, minute=7, tag=ADDRESS)  # staged, not yet published
    before = objects_with(world.s3, world.name, erased)
    assert sum(key.endswith(".parquet") for key in before) >= 9
    assert any(key.startswith("staging/") for key in before)
    assert objects_with(world.s3, world.name, ADDRESS)
    world.erase(erased)
    assert objects_with(world.s3, world.name, erased) == []
    assert objects_with(world.s3, world.name, ADDRESS) == []
    assert {row["interaction_id"] for row in world.rows("interactions")} == {other}
    assert world.differences() == []
    assert objects_with(world.s3, world.name, other)


def test_manifests_hold_no_text_of_any_row(aws: Emulator) -> None:
    """Column bounds are beginnings of values: no Avro file has any of an id or of an address, erased or not."""
    world, id_ = AnalyticsWorld(aws), new_id()
    world.save(id_, tag=ADDRESS)
    world.publish()
    for text in (id_[:13], ADDRESS[:10], "tel:+1555"):
        assert {key.rsplit(".", 1)[1] for key in objects_with(world.s3, world.name, text)} <= {
            "parquet",
            "gz",
        }


def test_what_a_killed_publish_has_left_is_erased_too(aws: Emulator) -> None:
    """Data files that were never committed are named by no snapshot; those that hold the interaction go."""
    world, erased = AnalyticsWorld(aws, FEW), new_id()
    history(world, erased)
    switch = KillSwitch(world.s3, world.glue)
    for last in (1, 2, 3):  # the data file of the first table, its manifest, its manifest list
        world.save(erased, minute=10 + last, tag=ADDRESS)
        switch.arm(last)
        with pytest.raises(Killed):
            world.publish()
        switch.arm()
    world.erase(erased)
    assert objects_with(world.s3, world.name, erased) == []
    assert world.differences() == []


def test_an_erasure_that_is_killed_is_completed_by_the_next(aws: Emulator) -> None:
    """Whatever write was the last: after a repetition no file has a trace."""
    world = AnalyticsWorld(aws, FEW)
    switch = KillSwitch(world.s3, world.glue)
    erased = new_id()
    history(world, erased)
    switch.arm()
    world.erase(erased)
    writes = switch.writes
    assert writes > 15
    for last in range(1, writes, 2):
        erased = new_id()
        world.save(erased, tag=ADDRESS)
        world.publish()
        switch.arm(last)
        with pytest.raises(Killed):
            world.erase(erased)
        switch.arm()
        world.erase(erased)
        assert objects_with(world.s3, world.name, erased) == [], f"killed after write {last} of {writes}"
    assert world.differences() == []


def test_files_that_others_have_not_committed_yet_stay(aws: Emulator) -> None:
    """A file without a snapshot is deleted when it is older than any run, or holds what is erased; no other."""
    world, erased = AnalyticsWorld(aws, FEW), new_id()
    history(world, erased)
    world.erase(erased)
    kept = next(
        key for key in objects_with(world.s3, world.name, "interaction_id") if key.endswith(".parquet")
    )
    name = "tables/conversations/data/day=2026-03-01/uncommitted.parquet"
    world.s3.copy_object(Bucket=world.name, Key=name, CopySource=f"{world.name}/{kept}")
    world.erase(new_id())
    assert name in objects_with(world.s3, world.name, "uncommitted")
    world.load().erase({None}, {new_id()}, GRACE, datetime.now(UTC) + GRACE + timedelta(minutes=1))
    assert objects_with(world.s3, world.name, "uncommitted") == []


def test_without_known_days_every_day_is_searched(aws: Emulator) -> None:
    """A tombstone of a former release names no days."""
    world, erased = AnalyticsWorld(aws, FEW), new_id()
    history(world, erased)
    world.interactions.write_tombstone(erased, "receipt")
    world.staging.erase(frozenset({erased}), versioned=False)
    assert world.load().erase(None, {erased}, GRACE, datetime.now(UTC)) > 0
    assert objects_with(world.s3, world.name, erased) == []
