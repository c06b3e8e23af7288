"""The limit `store-writes`, as Prefect shows it: kept by all workers, given back when there is no more to write."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.integration.sandbox import Driver
from tests.integration.test_pipeline import event_text

MANY = 300  # three chunks


def limit(driver: Driver) -> dict[str, Any]:
    """The limit as the API shows it."""
    url = f"{driver.addresses.prefect_api_url}/v2/concurrency_limits/store-writes"
    found: dict[str, Any] = requests.get(url, timeout=10).json()
    return found


@pytest.fixture
def one_at_once(driver: Driver) -> Iterator[Driver]:
    """A user of a sandbox in which one chunk may be written at once."""
    url = f"{driver.addresses.prefect_api_url}/v2/concurrency_limits/store-writes"
    before = limit(driver)["limit"]
    requests.patch(url, json={"limit": 1}, timeout=10).raise_for_status()
    yield driver
    requests.patch(url, json={"limit": before}, timeout=10).raise_for_status()


def saved(driver: Driver) -> str:
    """Take many interactions through a run; the run's message."""
    ids = [str(uuid.uuid4()) for _ in range(MANY)]
    run = driver.finished(driver.create_run([event_text(id_) for id_ in ids]), 120)
    assert run["state_type"] == "COMPLETED", run["state"]
    return str(run["state"]["message"])


def test_every_slot_is_given_back(driver: Driver) -> None:
    """A run of several chunks takes slots, and none is left taken after it."""
    assert saved(driver).startswith(f"{MANY} saved")
    driver.until(lambda: limit(driver)["active_slots"] == 0, 30)


def test_one_slot_is_enough_for_a_whole_run(one_at_once: Driver) -> None:
    """With a limit of one the chunks are written one after the other, and none waits in vain."""
    assert saved(one_at_once).startswith(f"{MANY} saved")
    one_at_once.until(lambda: limit(one_at_once)["active_slots"] == 0, 30)
