"""Whole conversations are staged in S3 before their rows, and no version of a row is without its object.

process and save on an emulator, with answers made here; failures are those of the stores themselves.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.genesys import BadRequest
from tasks.pipeline.work import PipelineRun
from tasks.stores import QuarantineRow, StagingBucket, StoreUnavailable, dynamodb, s3
from tests.support.chunk_saves import ChunkSaves
from tests.support.emulator import Emulator, create_table
from tests.support.events import new_ids
from tests.support.interleaving import Fault, SteppedClient, interleave
from tests.support.writers import STEPS, conversation

RUN = PipelineRun("run")
LATER = PipelineRun("later")
FORCED = PipelineRun("forced", force=True)

Saves = Callable[..., ChunkSaves]


class Both:
    """A client of DynamoDB and of S3 in one, so that the calls of both are one history."""

    def __init__(self, database: Any, objects: Any) -> None:
        self._clients = (database, objects)
        self.exceptions = database.exceptions

    def __getattr__(self, operation: str) -> Any:
        """Return the operation of the client that has it; a listing is S3's."""
        database, objects = self._clients
        return getattr(objects if hasattr(objects, operation) else database, operation)


@pytest.fixture(scope="module")
def stores(aws: Emulator) -> Both:
    """Create the tables; return the kinds of clients that workers have."""
    database = dynamodb.client(4, aws)
    for table, key in (("interactions", "interactionId"), ("quarantine", "quarantineId")):
        create_table(database, table, key)
    return Both(database, s3.client(4, aws))


def new_bucket(stores: Both) -> str:
    """Create a bucket; return its name."""
    bucket = f"staging-{uuid.uuid4().hex[:8]}"
    stores.create_bucket(Bucket=bucket)
    return bucket


@pytest.fixture
def saves(stores: Both) -> Saves:
    """Return what makes process and save on a bucket of the test's own."""
    bucket = new_bucket(stores)

    def make(**changed: Any) -> ChunkSaves:
        clients: dict[str, Any] = {"dynamodb": stores, "s3": stores}
        return ChunkSaves(**clients | changed, bucket=bucket)

    return make


def nowhere(module: Any) -> Any:
    """Return a client of a store that does not answer, as a store's module makes it."""
    return module.client(1, Emulator("http://127.0.0.1:9"))


def keys(bucket: StagingBucket) -> list[str]:
    """Return the key of every object."""
    return [staged.key for staged in bucket.list()]


def assert_held(saves: ChunkSaves, interaction_id: str) -> str:
    """Assert that the object which the row names holds the row's version; return its key."""
    row = saves.interactions.get(interaction_id) or {}
    held = saves.staging.find(interaction_id, row["staged"])
    assert held is not None
    assert held.version == row["version"]
    assert held.conversation["conversationId"] == interaction_id
    return str(row["staged"])


def test_a_hundred_interactions_are_one_object(saves: Saves) -> None:
    """All rows of a chunk name the same object, which has an entry for each and nothing else."""
    saving, ids = saves(), new_ids(100)
    saving.save({id_: conversation(id_, "settled") for id_ in ids}, RUN)
    (key,) = keys(saving.staging)
    assert {assert_held(saving, id_) for id_ in ids} == {key}
    assert [each.interaction_id for each in saving.staging.read(key) or ()] == ids


def test_the_object_stands_before_the_row(saves: Saves) -> None:
    """When the table dies between the two there is an object and no row; the task's retry ends with both.

    The retry has the object already and writes no other.
    """
    id_ = new_ids(1)[0]
    saving = saves()
    write = saving.processed({id_: conversation(id_, "settled")}, RUN)
    with pytest.raises(StoreUnavailable, match="table interactions"):
        saves(dynamodb=nowhere(dynamodb)).write(write, RUN)
    (key,) = saving.staged(id_)
    assert saving.interactions.get(id_) is None
    saving.write(write, RUN)
    assert keys(saving.staging) == [key]
    assert assert_held(saving, id_) == key


def test_without_an_object_there_is_no_row(saves: Saves) -> None:
    """While S3 does not answer nothing is written; the retry ends with both."""
    id_ = new_ids(1)[0]
    saving = saves()
    write = saving.processed({id_: conversation(id_, "settled")}, RUN)
    with pytest.raises(StoreUnavailable, match="bucket staging-"):
        saves(s3=nowhere(s3)).write(write, RUN)
    assert saving.interactions.get(id_) is None
    saving.write(write, RUN)
    assert_held(saving, id_)


def test_a_retry_after_half_the_grace_stages_again(saves: Saves) -> None:
    """What publish may soon take for abandoned is no object to name: the row names the later one."""
    id_ = new_ids(1)[0]
    saving = saves(staging_grace=1e-6)
    write = saving.processed({id_: conversation(id_, "settled")}, RUN)
    with pytest.raises(StoreUnavailable):
        saves(dynamodb=nowhere(dynamodb), staging_grace=1e-6).write(write, RUN)
    (early,) = keys(saving.staging)
    saving.write(write, RUN)
    (late,) = set(keys(saving.staging)) - {early}
    assert assert_held(saving, id_) == late


@pytest.mark.parametrize(
    ("kind", "second", "run"),
    [
        ("corrected", 9, LATER),
        ("settled", 9, LATER),
        ("settled", 9, RUN),
        ("unsettled", 9, FORCED),
        ("settled", 1, FORCED),
        ("unsettled", 9, LATER),
        ("settled", 5, LATER),
    ],
    ids=["correction", "same later", "same run", "forced unsettled", "forced older", "stale", "same again"],
)
def test_each_write_leaves_a_row_whose_object_holds_it(
    saves: Saves, kind: str, second: int, run: PipelineRun
) -> None:
    """After an insert, and whatever comes next: `staged` names an object with the row's own version."""
    id_ = new_ids(1)[0]
    saving = saves()
    saving.save({id_: conversation(id_, "settled")}, RUN, 5)
    first = assert_held(saving, id_)
    before = saving.interactions.get(id_) or {}
    saving.save({id_: conversation(id_, kind)}, run, second)
    after = assert_held(saving, id_)
    assert (after == first) == ((saving.interactions.get(id_) or {})["version"] == before["version"])
    assert [staged.forced for staged in saving.staging.list()] == [False, run.force]


def test_only_what_is_written_is_staged(saves: Saves) -> None:
    """Neither an erased interaction nor one of other queues leaves an object, nor one without a bucket."""
    erased, other = new_ids(2)
    saving = saves(queue_ids=(str(uuid.uuid4()),))
    saving.interactions.write_tombstone(erased, "receipt")
    saving.save({id_: conversation(id_, "settled") for id_ in (erased, other)}, RUN)
    assert keys(saving.staging) == []
    without = saves()
    without.services.staging = None
    without.save({other: conversation(other, "settled")}, RUN)
    assert "staged" not in (saving.interactions.get(other) or {})
    assert keys(saving.staging) == []


def test_what_is_erased_during_a_save_is_in_no_object(saves: Saves) -> None:
    """Erased between process and save, after an attempt that staged it: its neighbour alone is left, in each object."""
    erased, kept = new_ids(2)
    saving = saves(staging_grace=1e-6)
    write = saving.processed({id_: conversation(id_, "settled") for id_ in (erased, kept)}, RUN)
    with pytest.raises(StoreUnavailable):
        saves(dynamodb=nowhere(dynamodb), staging_grace=1e-6).write(write, RUN)
    saving.interactions.write_tombstone(erased, "receipt")
    saving.write(write, RUN)
    assert saving.staged(erased) == []
    assert len(saving.staged(kept)) == 2
    assert_held(saving, kept)


def test_what_is_refused_is_removed_though_a_neighbour_fails(saves: Saves) -> None:
    """The run may end with this attempt: what was refused as erased goes before the error is raised."""
    erased, failing = new_ids(2)
    saving = saves()
    write = saving.processed({id_: conversation(id_, "settled") for id_ in (erased, failing)}, RUN)
    saving.interactions.write_tombstone(erased, "receipt")
    real = saving.interactions.save

    def save(record: Any, *rest: Any, **named: Any) -> Any:
        if record.interaction_id == failing:
            raise StoreUnavailable("table interactions: no answer")
        return real(record, *rest, **named)

    saving.services.interactions = SimpleNamespace(
        insert=lambda _: frozenset(), save=save, erased_among=lambda _: frozenset()
    )
    with pytest.raises(StoreUnavailable):
        saving.write(write, RUN)
    assert saving.staged(erased) == []
    assert len(saving.staged(failing)) == 1


def dead(*_: Any, **__: Any) -> Any:
    """Fail as a table does that does not answer."""
    raise StoreUnavailable("table interactions: no answer")


class ErasedOnTheWay:
    """A client of S3 whose first object stands after an erasure that began, and ended, while it was on its way."""

    def __init__(self, saving: ChunkSaves, client: Both, erased: str) -> None:
        self._saving, self._client, self._erased = saving, client, erased
        self.exceptions = client.exceptions

    def __getattr__(self, operation: str) -> Any:
        """Return the real client's operation."""
        return getattr(self._client, operation)

    def put_object(self, **arguments: Any) -> Any:
        """Erase, then write."""
        self._saving.interactions.write_tombstone(self._erased, "receipt")
        self._saving.staging.erase(frozenset({self._erased}), versioned=False)
        return self._client.put_object(**arguments)


def test_an_object_is_looked_at_though_no_row_can_be_written(saves: Saves, stores: Both) -> None:
    """The worker may end before any row is written: what was erased while the object was on its way goes at once."""
    erased, kept = new_ids(2)
    saving = saves()
    write = saving.processed({id_: conversation(id_, "settled") for id_ in (erased, kept)}, RUN)
    mine = saves(s3=ErasedOnTheWay(saving, stores, erased))
    mine.services.interactions = SimpleNamespace(
        erased_among=saving.interactions.erased_among, insert=lambda _: frozenset(), save=dead
    )
    with pytest.raises(StoreUnavailable):
        mine.write(write, RUN)
    assert saving.staged(erased) == []
    assert len(saving.staged(kept)) == 1


def test_an_object_that_could_not_be_looked_at_is_looked_at_by_the_retry(saves: Saves, stores: Both) -> None:
    """The table does not answer after the object was written: the retry writes no other, and looks."""
    erased, kept = new_ids(2)
    saving = saves()
    write = saving.processed({id_: conversation(id_, "settled") for id_ in (erased, kept)}, RUN)
    mine = saves(s3=ErasedOnTheWay(saving, stores, erased))
    mine.services.interactions = SimpleNamespace(erased_among=dead, insert=lambda _: frozenset(), save=dead)
    with pytest.raises(StoreUnavailable):
        mine.write(write, RUN)
    assert len(saving.staged(erased)) == 1
    saving.write(write, RUN)
    assert saving.staged(erased) == []
    assert [each.detail for each in write.outcomes[erased]] == ["the interaction was erased"]
    assert_held(saving, kept)


def test_what_was_inserted_before_an_erasure_is_not_staged_again(saves: Saves) -> None:
    """Inserted, then its quarantine row could not be removed: the retry stages anew, and must see the tombstone."""
    (id_,) = new_ids(1)
    saving = saves(staging_grace=1e-6)
    saving.services.quarantine.put(QuarantineRow("failed", "code", "error", "{}", None, id_), "a run")
    write = saving.processed({id_: conversation(id_, "settled")}, RUN)
    real, saving.services.quarantine = saving.services.quarantine, SimpleNamespace(remove=dead)
    with pytest.raises(StoreUnavailable):
        saving.write(write, RUN)
    assert_held(saving, id_)
    saving.services.quarantine = real
    saving.interactions.write_tombstone(id_, "receipt")
    saving.staging.erase(frozenset({id_}), versioned=False)
    saving.write(write, RUN)
    assert saving.staged(id_) == []


def test_a_quarantine_row_is_looked_at_after_it_was_written(saves: Saves) -> None:
    """Erased between the look and the row of an interaction that failed: the row goes again."""
    (id_,) = new_ids(1)
    saving = saves()
    write = saving.processed({id_: conversation(id_, "settled")}, RUN)
    write.processed.failed, write.processed.fetched = (
        [(write.processed.fetched[0].work, BadRequest("no"))],
        [],
    )
    table = saving.services.quarantine

    def put(row: QuarantineRow, flow_run_id: str) -> None:
        saving.interactions.write_tombstone(id_, "receipt")
        table.put(row, flow_run_id)

    saving.services.quarantine = SimpleNamespace(put=put, remove=table.remove)
    saving.write(write, RUN)
    assert table.failed_among([id_]) == frozenset()


def until_done(operation: Callable[[], object]) -> None:
    """Do an operation again until its stores answered, as tasks and runs do."""
    while True:
        try:
            operation()
        except StoreUnavailable:
            continue
        return


@settings(STEPS, max_examples=80)
@given(
    st.lists(st.integers(0, 1), max_size=24),
    st.lists(st.sampled_from(Fault), max_size=10),
    st.booleans(),
    st.sampled_from((RUN, FORCED)),
)
def test_no_interleaving_of_save_and_erasure_leaves_the_erased(
    stores: Both, schedule: list[int], fault: list[Fault], stored: bool, run: PipelineRun
) -> None:
    """Calls of both in any order, lost or without an answer: no object has the erased one; its neighbour is held."""
    erased, kept = new_ids(2)
    bucket = new_bucket(stores)
    saving = ChunkSaves(stores, stores, bucket)
    if stored:
        saving.save({id_: conversation(id_, "settled") for id_ in (erased, kept)}, LATER)
    write = saving.processed({id_: conversation(id_, "corrected") for id_ in (erased, kept)}, run, 9)

    def save(client: SteppedClient) -> None:
        mine = ChunkSaves(client, client, bucket)
        until_done(lambda: mine.write(write, run))

    def erase(client: SteppedClient) -> None:
        mine = ChunkSaves(client, client, bucket)
        until_done(lambda: mine.interactions.write_tombstone(erased, "receipt"))
        until_done(lambda: mine.staging.erase(frozenset({erased}), versioned=False))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.stores.staging._READERS", 1)  # one call after the other
        interleave(stores, [save, erase], schedule, faults=fault)
    assert saving.staged(erased) == []
    assert "erasedAt" in (saving.interactions.get(erased) or {})
    assert_held(saving, kept)
