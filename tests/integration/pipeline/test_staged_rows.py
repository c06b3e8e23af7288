"""Which object holds a row's version, and on which days its versions started: in the same write as the version."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.stores import InteractionTable, NewRow, Provenance, WriteOutcome, dynamodb
from tests.support.emulator import Emulator, create_table
from tests.support.interleaving import Fault, interleave
from tests.support.stored import new_record
from tests.support.writers import STEPS, Answer, erase, staging_of, write


@pytest.fixture(scope="module")
def client(aws: Emulator) -> Any:
    """Create a table `interactions`; return the kind of DynamoDB client that workers have."""
    return create_table(dynamodb.client(4, aws), "interactions", "interactionId")


@pytest.mark.parametrize("former", [False, True], ids=["of this release", "of one before"])
def test_what_moves_the_version_moves_what_holds_it(client: Any, *, former: bool) -> None:
    """A new record, the same content later, a forced older one: `staged` goes with each."""
    id_ = str(uuid.uuid4())
    table = InteractionTable(client, "interactions")

    def save(kind: str, second: int, *, force: bool = False) -> dict[str, Any]:
        record = Answer(kind, second).record(id_)
        table.save(record, Provenance("run", 1, staged=staging_of(record.version)), force=force)
        return table.get(id_) or {}

    if former:
        record = Answer("unsettled", 0).record(id_)
        table.save(record, Provenance("run", 1))
        assert "staged" not in (table.get(id_) or {})
    moves = [("settled", 1), ("settled", 2), ("corrected", 3)]
    for item in (save(*move) for move in moves):
        assert item["staged"] == staging_of(item["version"])
    assert save("settled", 1) == item
    forced = save("settled", 1, force=True)
    assert forced["version"] < item["version"]
    assert forced["staged"] == staging_of(forced["version"])


def test_without_a_bucket_nothing_is_said_to_hold_a_version(client: Any) -> None:
    """A worker that keeps no whole conversations removes the name of an object that holds another version."""
    id_ = str(uuid.uuid4())
    table = InteractionTable(client, "interactions")
    for kind, second in (("settled", 2), ("corrected", 4)):
        table.save(Answer(kind, second - 1).record(id_), Provenance("with", 1, staged="staging/1"))
        assert "staged" in (table.get(id_) or {})
        table.save(Answer(kind, second).record(id_), Provenance("without", 1))
        assert "staged" not in (table.get(id_) or {})


def test_a_start_that_moves_over_midnight_leaves_both_days(client: Any) -> None:
    """`startDays` has every day on which a version started, of inserts and updates, and `none` for no start."""
    id_ = str(uuid.uuid4())
    table = InteractionTable(client, "interactions")
    first, moved = "2026-01-14T23:59:59.000Z", "2026-01-15T00:00:01.000Z"
    assert table.insert([NewRow(new_record(id_, 1, startedAt=first), Provenance("run", 1))])
    assert (table.get(id_) or {})["startDays"] == {"2026-01-14"}
    table.save(new_record(id_, 2, startedAt=moved), Provenance("run", 1))
    table.save(new_record(id_, 3), Provenance("run", 1))
    assert (table.get(id_) or {})["startDays"] == {"2026-01-14", "2026-01-15", "none"}


@STEPS
@given(st.lists(st.integers(0, 1), max_size=12), st.lists(st.sampled_from(Fault), max_size=4))
def test_a_tombstone_names_every_day_that_was_stored(
    client: Any, schedule: list[int], fault: list[Fault]
) -> None:
    """In any interleaving of an erasure and a save: the days stay, the save's too if it came first."""
    days = ("2026-01-14", "2026-01-15")
    id_ = str(uuid.uuid4())
    table = InteractionTable(client, "interactions")
    table.save(new_record(id_, 1, startedAt=f"{days[0]}T12:00:00.000Z"), Provenance("run", 1))
    written: list[WriteOutcome] = []

    def save(table: InteractionTable, interaction_id: str) -> None:
        record = new_record(interaction_id, 2, startedAt=f"{days[1]}T12:00:00.000Z")
        written.append(table.save(record, Provenance("run", 2)))

    interleave(client, [partial(write, [save], id_), partial(write, [erase], id_)], schedule, faults=fault)
    kept = set((table.get(id_) or {})["startDays"])
    assert kept >= {days[0]}
    assert kept == set(days) or written[-1] is WriteOutcome.ERASED


def test_a_tombstone_of_a_former_row_has_the_day_of_its_start(client: Any) -> None:
    """A row of a release before 0.2 has no `startDays`; its own start is kept. Erased again, the days stay."""
    id_ = str(uuid.uuid4())
    table = InteractionTable(client, "interactions")
    table.save(new_record(id_, startedAt="2026-01-14T12:00:00.000Z"), Provenance("run", 1))
    key = {"interactionId": {"S": id_}}
    client.update_item(TableName="interactions", Key=key, UpdateExpression="REMOVE startDays")
    erase(table, id_)
    defer_anyway = "SET dueAt = :due"
    values = {":due": {"S": "2026-01-15T00:00:00.000Z"}}
    client.update_item(
        TableName="interactions", Key=key, UpdateExpression=defer_anyway, ExpressionAttributeValues=values
    )
    erase(table, id_)
    assert set(table.get(id_) or {}) == {"interactionId", "erasedAt", "receiptId", "startDays"}
    assert (table.get(id_) or {})["startDays"] == {"2026-01-14"}
