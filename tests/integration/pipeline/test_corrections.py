"""Corrections: of two settled answers the later stands, and Genesys is asked once more where that is in doubt."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tasks.records import InteractionRecord
from tasks.stores import Deferral, DeferralReason, InteractionTable, Provenance, WriteOutcome
from tests.support.events import event_text
from tests.support.sandbox import SandboxDriver
from tests.support.writers import Answer

RUN = Provenance("run-1", 1)


def confirmation(minutes: float = 15) -> Deferral:
    """Return a confirmation in some minutes; due already where they are negative."""
    due_at = datetime.now(UTC) + timedelta(minutes=minutes)
    return Deferral(due_at, 2, reason=DeferralReason.CONFIRMATION)


class Row:
    """An interaction of its own in the sandbox's table."""

    def __init__(self, driver: SandboxDriver) -> None:
        self.id = str(uuid.uuid4())
        self._driver = driver
        self.table = InteractionTable(driver.sandbox.client("dynamodb"), driver.addresses.interaction_table)

    def record(self, stage: str, second: int) -> InteractionRecord:
        """Return the record of an answer."""
        return Answer(stage, second).record(self.id)

    def save(self, stage: str, second: int, minutes: float = 15) -> WriteOutcome:
        """Save an answer, with a confirmation in some minutes where it leaves a doubt."""
        return self.table.save(self.record(stage, second), RUN, confirm=confirmation(minutes))

    def delete(self) -> None:
        """Delete the row."""
        self._driver.sandbox.client("dynamodb").delete_item(
            TableName=self._driver.addresses.interaction_table, Key={"interactionId": {"S": self.id}}
        )

    def stands(self) -> tuple[str, str | None]:
        """Return the hash of the content, and what the row waits for."""
        item = self.table.get(self.id) or {}
        assert ("dueAt" in item) == ("deferredFor" in item)
        return item["contentHash"], item.get("deferredFor")


@pytest.fixture
def row(driver: SandboxDriver) -> Iterator[Row]:
    """Return an interaction, and delete its row afterwards: reconcile would find it overdue one day."""
    made = Row(driver)
    yield made
    made.delete()


def test_an_end_that_moves_back_is_stored_and_confirmed(row: Row) -> None:
    """The later answer stands although it ends earlier, and its row waits; an end that is later leaves no doubt."""
    assert row.save("settled", 0) is WriteOutcome.WRITTEN
    assert row.save("ended again", 1) is WriteOutcome.WRITTEN
    assert row.stands() == (row.record("ended again", 1).content_hash, None)
    assert row.save("ended earlier", 2) is WriteOutcome.WRITTEN_TO_CONFIRM
    assert row.stands() == (row.record("ended earlier", 2).content_hash, "confirmation")


def test_another_answer_of_the_same_second_is_confirmed(row: Row) -> None:
    """Whichever of the two comes first: the same one stands, and the row waits."""
    greater = max(row.record(stage, 5).content_hash for stage in ("settled", "corrected"))
    second = []
    for stages in (("settled", "corrected"), ("corrected", "settled")):
        row.delete()
        assert row.save(stages[0], 5) is WriteOutcome.WRITTEN
        second.append(row.save(stages[1], 5))
        assert row.stands() == (greater, "confirmation")
    assert set(second) == {WriteOutcome.WRITTEN_TO_CONFIRM, WriteOutcome.STALE_TO_CONFIRM}


def test_a_confirmation_stands_until_it_is_due(row: Row) -> None:
    """An answer before that leaves it, the same content or other; one after it ends it, and asks for no second."""
    row.save("ended again", 0)
    row.save("settled", 1)
    assert row.save("settled", 2) is WriteOutcome.ALREADY_BY_THIS_RUN
    assert row.stands()[1] == "confirmation"
    assert row.save("ended again", 3) is WriteOutcome.WRITTEN
    assert row.stands()[1] == "confirmation"
    assert row.save("settled", 4, minutes=-1) is WriteOutcome.WRITTEN_TO_CONFIRM
    assert row.save("ended earlier", 5) is WriteOutcome.WRITTEN
    assert row.stands() == (row.record("ended earlier", 5).content_hash, None)


def test_an_end_that_moves_back_goes_through_the_flow(driver: SandboxDriver) -> None:
    """It is saved at once, and a later run confirms it."""
    id_ = driver.end()
    before = driver.until_settled(id_)
    driver.revise(id_, "end-corrected", earlier_ms=2_000)
    with driver.paused_live():  # the confirmation is due in a few seconds
        run = driver.finished(driver.create_run([event_text(id_)], work_queue="replay"))
        row = driver.stored_row(id_)
    assert run["state"]["message"] == "1 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed"
    assert (row["endedAt"] < before["endedAt"], row["deferredFor"]) == (True, "confirmation")
    after = driver.until_settled(id_)
    assert after["contentHash"] == row["contentHash"]
    assert f"{id_}, attempt 2" in {run["name"] for run in driver.runs_with(id_)}
    assert "deferredFor" not in after


def test_a_lagging_replica_is_corrected(driver: SandboxDriver) -> None:
    """Its older state is stored, for its date is the later; asked once more, Genesys gives its last state again."""
    id_ = driver.end()
    first = driver.until_settled(id_)
    driver.revise(id_, "ended-again")
    driver.finished(driver.create_run([event_text(id_)]))
    last = driver.until(lambda: (row := driver.settled(id_)) and row["endedAt"] > first["endedAt"] and row)
    driver.until_later_second(id_)
    with driver.paused_live():  # the confirmation is due in a few seconds
        driver.simulator("faults", stale_rate=1)
        driver.finished(driver.create_run([event_text(id_)], work_queue="replay"))
        lagged = driver.stored_row(id_)
        driver.simulator("faults", stale_rate=0)
    assert (lagged["contentHash"], lagged["deferredFor"]) == (first["contentHash"], "confirmation")
    assert driver.until_settled(id_)["contentHash"] == last["contentHash"]
