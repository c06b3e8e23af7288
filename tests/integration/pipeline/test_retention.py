"""Retention: a record expires RETENTION_DAYS after its last fetch."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from tasks.stores import InteractionTable, Provenance
from tests.support.sandbox import SandboxDriver
from tests.support.stored import new_record

EVENT = Provenance("run-1", 1, "event-1", "customer.end", "2026-01-15T10:00:00.000Z")
SYNTHETIC = Provenance("run-2", 1, "reconcile:run-2", "reconcile")  # a synthetic event has no time


def table(driver: SandboxDriver, days: int | None) -> InteractionTable:
    """Return the table as a worker with this RETENTION_DAYS uses it."""
    dynamodb = driver.sandbox.client("dynamodb")
    return InteractionTable(dynamodb, driver.addresses.interaction_table, retention_days=days)


def test_a_record_expires_so_many_days_after_it_was_fetched(driver: SandboxDriver) -> None:
    """Each fetch postpones the date, also one without a change."""
    id_, kept = str(uuid.uuid4()), table(driver, 30)
    first = new_record(id_, 0)
    kept.save(first, EVENT)
    expected = datetime(2026, 1, 15, 11, 0, tzinfo=UTC) + timedelta(days=30)
    assert driver.stored_row(id_)["expiresAt"] == int(expected.timestamp())
    same = new_record(id_, 5)
    kept.save(type(same)(**(vars(same) | {"content_hash": first.content_hash})), EVENT)
    assert driver.stored_row(id_)["expiresAt"] == int((expected + timedelta(minutes=5)).timestamp())


def test_without_retention_a_record_that_is_written_again_does_not_expire(driver: SandboxDriver) -> None:
    """Without RETENTION_DAYS the next write removes the date."""
    id_ = str(uuid.uuid4())
    table(driver, 30).save(new_record(id_, 0), EVENT)
    table(driver, None).save(new_record(id_, 5), EVENT)
    assert "expiresAt" not in driver.stored_row(id_)


def test_the_provenance_of_a_write_replaces_the_former(driver: SandboxDriver) -> None:
    """A synthetic event has no time: the former event's time does not stay with the new event id."""
    id_, kept = str(uuid.uuid4()), table(driver, None)
    kept.save(new_record(id_, 0), EVENT)
    kept.save(new_record(id_, 5), SYNTHETIC)
    found = driver.stored_row(id_)
    assert (found["eventId"], found.get("eventTime")) == ("reconcile:run-2", None)
