"""Scheduled reconciles: a gap is covered by one run, from where the last completed one ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.support.intervals import add_conversations, iso
from tests.support.prefect_runs import RECONCILE, artifacts_of, schedule_run
from tests.support.sandbox import SandboxDriver

HOURLY = {"schedule": "hourly", "last_hours": 3, "overdue": False, "unsettled": "share"}
COVERED = "reconcile_hourly_covered_until"
SCANNED = "reconcile_scanned_segment"


@pytest.fixture(autouse=True)
def _begin_anew(driver: SandboxDriver) -> None:
    """Reset the simulator and forget what was reconciled."""
    driver.simulator("reset")
    for name in (COVERED, SCANNED):
        requests.delete(f"{driver.addresses.prefect_api_url}/variables/name/{name}", timeout=60)


def variable(driver: SandboxDriver, name: str) -> Any:
    """Return a Prefect variable's value, None if there is none."""
    found = requests.get(f"{driver.addresses.prefect_api_url}/variables/name/{name}", timeout=60)
    return found.json()["value"] if found.ok else None


def hours_ago(hours: float) -> datetime:
    """Return a moment in the past."""
    return datetime.now(UTC) - timedelta(hours=hours)


def scheduled(driver: SandboxDriver, *hours: float, **parameters: Any) -> list[dict[str, Any]]:
    """Create runs that were due so many hours ago while no worker was there; return them when all have ended."""
    driver.pause_queue("operations", paused=True)
    try:
        ids = [schedule_run(driver, RECONCILE, HOURLY | parameters, -each) for each in hours]
    finally:
        driver.pause_queue("operations", paused=False)
    return [driver.finished(id_) for id_ in ids]


def test_one_run_covers_six_missed_hours(driver: SandboxDriver) -> None:
    """The latest reconciles the gap, however its total lies and however small the pages; the others end at once."""
    driver.api("/variables/", {"name": COVERED, "value": hours_ago(8).isoformat()})
    missed = add_conversations(driver, 300, start=iso(hours_ago(7.9)), end=iso(hours_ago(1)))
    driver.simulator("faults", page_max=25, total_hits="half")

    runs = scheduled(driver, 6, 5, 4, 3, 2, 1)

    assert [run["state_type"] for run in runs] == ["COMPLETED"] * 6
    assert [run["state_name"] for run in runs] == ["Superseded"] * 5 + ["Completed"]
    assert "300 seen, 0 present, 300 added" in runs[-1]["state"]["message"]
    assert [id_ for id_ in missed if driver.row(id_) is None] == []
    assert datetime.fromisoformat(variable(driver, COVERED)) > hours_ago(0.5)
    assert [bool(artifacts_of(driver, run["id"])) for run in runs] == [False] * 5 + [True]


def test_a_run_that_comes_late_finds_its_time_covered(driver: SandboxDriver) -> None:
    """Its worker died, say, and a later run has reconciled meanwhile: nothing is asked of Genesys."""
    driver.api("/variables/", {"name": COVERED, "value": hours_ago(1).isoformat()})
    (run,) = scheduled(driver, 2)
    assert run["state_name"] == "Superseded"
    assert run["state"]["message"].startswith("reconciled until")
    assert [path for path in driver.simulator_state()["by_path"] if path.endswith("/query")] == []


def test_runs_of_two_schedules_do_not_supersede_each_other(driver: SandboxDriver) -> None:
    """Each has a watermark of its own."""
    hourly, daily = scheduled(driver, 1) + scheduled(driver, 0.5, schedule="daily", unsettled="none")
    assert [hourly["state_name"], daily["state_name"]] == ["Completed"] * 2


def test_the_scan_for_unsettled_records_goes_on_where_it_stopped(driver: SandboxDriver) -> None:
    """After hours without a run as well: by what was scanned last, not by the hour."""
    driver.api("/variables/", {"name": SCANNED, "value": 22})
    seen = []
    for _ in range(2):
        assert scheduled(driver, 0)[0]["state_name"] == "Completed"
        seen.append(variable(driver, SCANNED))
    assert seen == [23, 0]


def test_a_variable_from_the_future_stops_nothing(driver: SandboxDriver) -> None:
    """A person's mistake, or a clock that was wrong: the run covers its usual hours."""
    driver.api("/variables/", {"name": COVERED, "value": hours_ago(-48).isoformat()})
    assert scheduled(driver, 0)[0]["state_name"] == "Completed"
    assert datetime.fromisoformat(variable(driver, COVERED)) <= datetime.now(UTC)


def test_a_schedule_and_an_interval_exclude_each_other(driver: SandboxDriver) -> None:
    """The message says what to leave out."""
    (run,) = scheduled(driver, 0, start=iso(hours_ago(5)))
    assert run["state_type"] == "FAILED"
    assert "schedule and start or end exclude each other" in run["state"]["message"]
