"""The concurrency limit `store-writes`: workers keep to it and release its slots."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.support.events import event_text
from tests.support.sandbox import SandboxDriver

MANY = 300  # three chunks


@pytest.fixture
def one_at_once(driver: SandboxDriver) -> Iterator[SandboxDriver]:
    """Return a driver of the sandbox while one chunk may be written at once."""
    before = driver.limit("store-writes")["limit"]
    driver.set_limit("store-writes", limit=1)
    yield driver
    driver.set_limit("store-writes", limit=before)


def save_many(driver: SandboxDriver) -> str:
    """Save many interactions in a run; return the run's message."""
    ids = [str(uuid.uuid4()) for _ in range(MANY)]
    run = driver.finished(driver.create_run([event_text(id_) for id_ in ids]))
    assert run["state_type"] == "COMPLETED", run["state"]
    return str(run["state"]["message"])


def test_every_slot_is_released(driver: SandboxDriver) -> None:
    """After a run of several chunks no slot is occupied."""
    assert save_many(driver).startswith(f"{MANY} saved")
    driver.until(lambda: driver.limit("store-writes")["active_slots"] == 0)


def test_one_slot_is_enough_for_a_whole_run(one_at_once: SandboxDriver) -> None:
    """With a limit of one the chunks are written one after the other, and all of them are."""
    assert save_many(one_at_once).startswith(f"{MANY} saved")
    one_at_once.until(lambda: one_at_once.limit("store-writes")["active_slots"] == 0)
