"""Publishes, erasures and kills at the same time: what was read earlier never wins."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from tasks.lake.errors import LakeConflict
from tasks.lake.publishing.counts import PublishCounts
from tasks.lake.publishing.publisher import Publisher
from tasks.stores import StoreUnavailable
from tests.support.emulator import Emulator
from tests.support.kill_switch import Killed, KillSwitch
from tests.support.lake import FEW, GRACE, AnalyticsWorld, new_id


class RowsThenHook:
    """The interaction table, which does something else between a publisher's read and its commit; once."""

    def __init__(self, world: AnalyticsWorld, hook: Callable[[], object]) -> None:
        self._world = world
        self._hook: Callable[[], object] | None = hook

    def rows(self, interaction_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Return the rows, then let the others act."""
        found = self._world.interactions.rows(interaction_ids)
        hook, self._hook = self._hook, None
        if hook:
            hook()
        return found


@pytest.fixture
def world(aws: Emulator) -> AnalyticsWorld:
    """Return a world of few tables, one of which has rows of some conversations only."""
    return AnalyticsWorld(aws, FEW)


def publish_with(world: AnalyticsWorld, hook: Callable[[], object]) -> PublishCounts:
    """Publish the first batch, with something that happens between read and commit."""
    publisher = Publisher(world.lake, world.staging, RowsThenHook(world, hook), GRACE, FEW)
    return publisher.publish(publisher.batches()[0])


def test_rows_that_were_read_before_anothers_commit_do_not_win(world: AnalyticsWorld) -> None:
    """A publisher that was overtaken by a correction and its publish begins anew with the corrected row."""
    id_ = new_id()
    world.save(id_)
    world.publish()
    world.save(id_, "transfer", minute=1)

    def overtake() -> None:
        world.save(id_, "abandoned", minute=2)
        world.publish()

    counts = publish_with(world, overtake)
    assert counts.conflicts == 1
    assert world.differences() == []
    assert {row["version"] for row in world.rows("conversations")} == {world.book()[id_]["version"]}


def test_a_new_interaction_of_two_publishers_stands_once(world: AnalyticsWorld) -> None:
    """The appends of two publishers of the same object do not add up: pyiceberg would repeat a refused append."""
    world.save(new_id())
    world.publish()  # the tables have a snapshot
    world.save(new_id())
    counts = publish_with(world, world.publish)
    assert counts.conflicts == 1
    assert len(world.rows("conversations")) == 2
    assert world.differences() == []


def test_the_first_of_all_commits_refuses_another(world: AnalyticsWorld) -> None:
    """On tables without any snapshot, too, the second of two commits is refused."""
    world.save(new_id())
    assert publish_with(world, world.publish).conflicts == 1
    assert len(world.rows("conversations")) == 1


def test_two_publishers_at_once_in_threads(world: AnalyticsWorld) -> None:
    """Both have read before either commits; both end, and the tables are the rows."""
    for _ in range(3):
        ids = [new_id() for _ in range(3)]
        for id_ in ids:
            world.save(id_)
        world.publish()
        for number, id_ in enumerate(ids):
            world.save(id_, "transfer", minute=1 + number)
        barrier = threading.Barrier(2, timeout=60)
        with ThreadPoolExecutor(2) as threads:
            for run in [threads.submit(publish_with, world, barrier.wait) for _ in range(2)]:
                run.result()
        assert world.differences() == []


def test_handles_of_before_are_refused(world: AnalyticsWorld) -> None:
    """Whatever table others have committed to since it was loaded takes no commit, and says so."""
    world.save(new_id())
    world.publish()
    tables = world.load()
    id_ = new_id()
    world.save(id_)
    world.publish()
    with pytest.raises(LakeConflict, match="conversations"):
        tables.replace({None}, {id_}, {"conversations": tables["conversations"].scan().to_arrow()})
    assert world.differences() == []


def test_an_erasure_wins_over_rows_that_were_read_before(world: AnalyticsWorld) -> None:
    """A publisher that has read a row before its tombstone does not bring the interaction back."""
    world.save(new_id())
    world.publish()
    erased = new_id()
    world.save(erased)
    counts = publish_with(world, lambda: world.erase(erased))
    assert counts.published == 0
    assert world.differences() == []
    assert len(world.rows("conversations")) == 1


@pytest.mark.parametrize("kills", [True, False])
def test_after_any_write_a_publish_may_end(aws: Emulator, kills: bool) -> None:
    """New, corrected and moved interactions: whatever write was the last of a killed publish, the next one balances.

    So it is when only that write's answer is lost, of a commit's request too: it stands, and its files with it.
    """
    changes = Changes(aws)
    changes.make_and_publish()
    writes = changes.switch.writes
    assert writes > 10
    for last in range(1, writes + 1):
        if last % HISTORY == 0:
            changes = Changes(aws)
        changes.make()
        changes.switch.arm(last, kills=kills)
        with suppress(StoreUnavailable, Killed):
            changes.world.publish()
        assert changes.switch.writes >= last
        changes.switch.arm()
        changes.world.publish()
        assert changes.world.differences() == [], f"after write {last} of {writes}"
        assert changes.world.staged_keys() == []


HISTORY = 5  # a publish of a table takes the longer the more were before it


class Changes:
    """A world of few tables, published once, with an interaction to correct, one to move, and new ones."""

    def __init__(self, aws: Emulator) -> None:
        self.world = AnalyticsWorld(aws, FEW)
        self.switch = KillSwitch(self.world.s3, self.world.glue)
        self._corrected, self._moved = new_id(), new_id()
        self._minutes = itertools.count()
        self.make_and_publish()

    def make(self) -> None:
        """Correct the one, move the other to another day, and save a new one."""
        minute, world = next(self._minutes), self.world
        world.save(self._corrected, "transfer" if minute % 2 else "voice", minute=minute)
        world.save(self._moved, minute=minute, start=f"2026-03-0{1 + minute % 3}T12:00:00.000Z")
        world.save(new_id(), "chat", minute=minute)

    def make_and_publish(self) -> None:
        """Make the changes and publish them; the switch counts the writes."""
        self.make()
        self.switch.arm()
        self.world.publish()
