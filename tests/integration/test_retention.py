"""How long a record is kept: RETENTION_DAYS from the last time that Genesys was asked."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.stores import InteractionTable, Provenance
from tests.integration.operations import record
from tests.integration.sandbox import Driver

EVENT = Provenance("run-1", 1, "event-1", "customer.end", "2026-01-15T10:00:00.000Z")
OURS = Provenance("run-2", 1, "reconcile:run-2", "reconcile")  # an event of our own has no time


def table(driver: Driver, days: int | None) -> InteractionTable:
    """The table, as a worker with this RETENTION_DAYS sees it."""
    dynamodb = driver.sandbox.client("dynamodb")
    return InteractionTable(dynamodb, driver.addresses.interaction_table, retention_days=days)


def row(driver: Driver, interaction_id: str) -> dict[str, Any]:
    """The row as it is."""
    return driver.row(interaction_id) or {}


def test_a_record_expires_so_many_days_after_it_was_fetched(driver: Driver) -> None:
    """Each fetch moves the date, also one that changes nothing else."""
    id_, kept = str(uuid.uuid4()), table(driver, 30)
    first = record(id_, 0)
    kept.save(first, EVENT)
    expected = datetime(2026, 1, 15, 11, 0, tzinfo=UTC) + timedelta(days=30)
    assert row(driver, id_)["expiresAt"] == int(expected.timestamp())
    same = record(id_, 5)
    kept.save(type(same)(**(vars(same) | {"content_hash": first.content_hash})), EVENT)
    assert row(driver, id_)["expiresAt"] == int((expected + timedelta(minutes=5)).timestamp())


def test_without_retention_a_record_written_again_stays(driver: Driver) -> None:
    """Who stops expiring records keeps what is written from then on."""
    id_ = str(uuid.uuid4())
    table(driver, 30).save(record(id_, 0), EVENT)
    table(driver, None).save(record(id_, 5), EVENT)
    assert "expiresAt" not in row(driver, id_)


def test_a_writes_provenance_is_its_own(driver: Driver) -> None:
    """What wrote a row has no time of its own: that of the event before does not stay beside its id."""
    id_, kept = str(uuid.uuid4()), table(driver, None)
    kept.save(record(id_, 0), EVENT)
    kept.save(record(id_, 5), OURS)
    found = row(driver, id_)
    assert (found["eventId"], found.get("eventTime")) == ("reconcile:run-2", None)
