"""Completeness and lag in a sandbox: artifact, `status` and the item for the alarm say the same of what happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.status import completeness
from flows.reports.health import markdown
from tasks.operations.health import Health
from tasks.operations.health_table import HealthTable
from tasks.values import instant
from tests.support.events import event_text
from tests.support.intervals import NO_RESTARTS, add_conversations, day, iso
from tests.support.prefect_runs import artifacts_of, reconcile
from tests.support.sandbox import SandboxDriver

LOST, SENT = 3, 7


def item_key() -> dict[str, Any]:
    """Return the key of the figures."""
    return {"budgetId": {"S": "health"}}


@pytest.fixture(autouse=True)
def _begin_anew(driver: SandboxDriver) -> Iterator[None]:
    """Reset the simulator, and forget the figures before and after."""
    driver.simulator("reset")
    forget(driver)
    yield
    forget(driver)


def forget(driver: SandboxDriver) -> None:
    """Delete the figures."""
    database = driver.sandbox.client("dynamodb")
    database.delete_item(TableName=driver.addresses.budget_table, Key=item_key())


def item(driver: SandboxDriver) -> dict[str, Any]:
    """Return the figures' item."""
    database = driver.sandbox.client("dynamodb")
    return dict(database.get_item(TableName=driver.addresses.budget_table, Key=item_key())["Item"])


def figures(driver: SandboxDriver) -> Health:
    """Return the figures as `interactions status` reads them."""
    table = HealthTable(driver.sandbox.client("dynamodb"), driver.addresses.budget_table)
    return Health.from_plain(table.load() or {})


def codes(found: Health) -> set[str]:
    """Return the codes of the findings of `interactions status`."""
    return {each.code for each in completeness.judge(found, datetime.now(UTC)).findings}


def test_one_source_says_what_was_missing_until_it_is_not(driver: SandboxDriver) -> None:
    """Of ten conversations of ten hours ago three had no row: late, and named; the next run finds them present."""
    ended = datetime.now(UTC) - timedelta(hours=10)  # an e-mail may last for three hours
    ids = add_conversations(driver, LOST + SENT, start=iso(ended), end=iso(ended + timedelta(minutes=1)))
    driver.finished(driver.create_run([event_text(id_) for id_ in ids[LOST:]]))

    first = reconcile(driver, last_hours=11, **NO_RESTARTS)
    found = figures(driver)
    assert {name: found.totals[name] for name in ("listed", "present", "missing", "late")} == {
        "listed": LOST + SENT,
        "present": SENT,
        "missing": LOST,
        "late": LOST,
    }
    assert found.completeness == 70
    assert "completeness-missed" in codes(found)
    artifact = artifacts_of(driver, first["id"])["health"]
    assert artifact["data"] == markdown(found)
    assert not any(id_ in artifact["data"] for id_ in ids)
    assert item(driver)["incomplete"] == {"N": "1"}

    reconcile(driver, last_hours=11, **NO_RESTARTS)
    found = figures(driver)
    assert found.completeness == 100
    assert "completeness-missed" not in codes(found)
    assert item(driver)["incomplete"] == {"N": "0"}
    assert sum(found.series("missing")) == LOST


def test_a_back_fill_of_long_ago_says_nothing_of_the_present(driver: SandboxDriver) -> None:
    """It stores what is missing, and leaves the figures as they are."""
    start = datetime.now(UTC) - timedelta(days=70)
    interval = {"start": iso(start), "end": iso(start + timedelta(hours=1))}
    add_conversations(driver, 2, **interval)
    run = reconcile(driver, **interval, **NO_RESTARTS)
    assert "2 added" in run["state"]["message"]
    assert "health" not in artifacts_of(driver, run["id"])


def test_a_row_says_when_it_was_first_saved(driver: SandboxDriver) -> None:
    """A correction changes the record, not that."""
    (id_,) = add_conversations(driver, 1, **day(72))
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    driver.finished(driver.create_run([event_text(id_)]))
    saved = driver.stored_row(id_)
    saved_at = instant(saved["savedAt"])
    assert saved_at
    assert before <= saved_at <= datetime.now(UTC)
    driver.revise(id_, "corrected")
    driver.finished(driver.create_run([event_text(id_)]))
    corrected = driver.stored_row(id_)
    assert corrected["version"] > saved["version"]
    assert corrected["savedAt"] == saved["savedAt"]
