"""Reconcile: what no event told of is found in Genesys, and deferred work whose run is gone goes on."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.integration.operations import start
from tests.integration.sandbox import Driver
from tests.integration.test_pipeline import archived, event_text
from tests.integration.test_replay import artifacts

DEPLOYMENT = "reconcile-interactions/reconcile"
NO_RESTARTS = {"overdue": False, "unsettled": "none"}


def reconcile(driver: Driver, **parameters: Any) -> dict[str, Any]:
    """Reconcile; the finished run."""
    return driver.finished(start(driver, DEPLOYMENT, **parameters), 90)


def iso(moment: datetime) -> str:
    """A moment as Genesys and Prefect take it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def midnight(days_ago: int) -> datetime:
    """The beginning of a day in the past."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days_ago)


def day(days_ago: int) -> dict[str, str]:
    """A whole day as a reconcile's parameters."""
    return {"start": iso(midnight(days_ago)), "end": iso(midnight(days_ago - 1))}


def existing(driver: Driver, count: int, **interval: str) -> list[str]:
    """Conversations that Genesys has, and that no event has told of."""
    return list(driver.simulator("conversations", count=count, **interval)["ids"])


@pytest.fixture(autouse=True)
def _empty_genesys(driver: Driver) -> None:
    """Genesys lists what earlier tests asked for: forget it."""
    driver.simulator("reset")


def test_what_no_event_told_of_is_stored_once(driver: Driver) -> None:
    """Of yesterday's 200 conversations 20 were never sent: one run stores exactly those, a second none."""
    yesterday = day(1)
    known = existing(driver, 200, **yesterday)
    lost, sent = set(known[:20]), known[20:]
    driver.finished(driver.create_run([event_text(id_) for id_ in sent]))
    before = {row["interactionId"]: row for row in driver.rows(driver.addresses.interaction_table)}

    first = reconcile(driver, **yesterday, **NO_RESTARTS)
    assert first["state"]["message"].startswith("200 seen, 180 present, 20 added, 0 updated, 5 requests")
    asked = [path for path in driver.simulator_state()["by_path"] if path.endswith("/query")]
    assert [driver.simulator_state()["by_path"][path] for path in asked] == [5]  # 2 pages, 3 midnights
    after = {row["interactionId"]: row for row in driver.rows(driver.addresses.interaction_table)}
    assert after.keys() - before.keys() == lost
    assert all(after[id_]["settled"] and after[id_]["runs"] == [first["id"]] for id_ in lost)
    assert all(after[id_] == before[id_] for id_ in sent)
    report = artifacts(driver, first["id"])["reconcile"]
    assert "| added | 20 |" in report["data"]
    assert all(id_ in report["data"] for id_ in lost)

    second = reconcile(driver, **yesterday, **NO_RESTARTS)
    assert second["state"]["message"].startswith("200 seen, 200 present, 0 added, 0 updated")


def test_what_is_stored_is_what_a_fetch_would_have_stored(driver: Driver) -> None:
    """A record straight from the query's answer equals the one fetched by id, and so does the archive's."""
    (id_,) = existing(driver, 1, **day(20))
    reconcile(driver, **day(20), **NO_RESTARTS)
    found = driver.settled(id_)
    run = driver.finished(driver.create_run([event_text(id_)]))
    assert "1 unchanged" in run["state"]["message"]
    assert driver.row(id_)["contentHash"] == found["contentHash"]
    assert len(archived(driver, id_)) == 1


def test_corrections_are_updates_and_erased_interactions_stay_erased(driver: Driver) -> None:
    """A conversation that was corrected replaces the older content; one that was erased is passed over."""
    corrected, erased, same = existing(driver, 3, **day(25))
    driver.finished(driver.create_run([event_text(id_) for id_ in (corrected, same)]))
    tombstone = {"interactionId": erased, "erasedAt": "2026-01-01T00:00:00.000Z"}
    driver.sandbox.client("dynamodb").put_item(
        TableName=driver.addresses.interaction_table,
        Item={name: {"S": value} for name, value in tombstone.items()},
    )
    driver.simulator(f"conversations/{corrected}/events", type="corrected")
    before = driver.row(corrected)
    run = reconcile(driver, **day(25), **NO_RESTARTS)
    assert run["state"]["message"].startswith("3 seen, 1 present, 0 added, 1 updated, 1 erased")
    assert driver.row(corrected)["version"] > before["version"]
    assert driver.row(erased) == tombstone


def test_a_call_over_midnight_is_found_by_the_hours_of_its_end(driver: Driver) -> None:
    """Genesys finds a conversation only by the day of its start: those seconds are asked for as well."""
    night = existing(driver, 30, start=iso(midnight(30) - timedelta(minutes=2)), end=iso(midnight(30)))
    listed = requests.get(f"{driver.addresses.genesys_api_url}/_sim/conversations", timeout=10).json()
    over = {c["id"] for c in listed["conversations"] if c["end"] > iso(midnight(30)) and c["id"] in night}
    assert over
    reconcile(driver, start=iso(midnight(30)), end=iso(midnight(30) + timedelta(hours=3)), **NO_RESTARTS)
    stored = {id_ for id_ in night if driver.row(id_)}
    assert over <= stored


def test_an_interrupted_back_fill_goes_on_where_it_stopped(driver: Driver) -> None:
    """The days that are done are noted; the same back-fill skips them, and forgets the note at its end."""
    interval = {"start": iso(midnight(44)), "end": iso(midnight(40))}
    every = [existing(driver, 5, **day(days_ago)) for days_ago in (44, 43, 42, 41)]
    name = f"reconcile_{midnight(44):%Y%m%dt%H%M%S}_{midnight(40):%Y%m%dt%H%M%S}"
    variables = f"{driver.addresses.prefect_api_url}/variables"
    note = {"name": name, "value": midnight(42).isoformat()}
    requests.post(f"{variables}/", json=note, timeout=10).raise_for_status()
    run = reconcile(driver, **interval, **NO_RESTARTS)
    assert run["state"]["message"].startswith("10 seen, 0 present, 10 added, 0 updated, 2 requests")
    assert [bool(driver.row(ids[0])) for ids in every] == [False, False, True, True]
    assert requests.get(f"{variables}/name/{name}", timeout=10).status_code == 404
    assert "20 seen, 10 present, 10 added" in reconcile(driver, **interval, **NO_RESTARTS)["state"]["message"]


def test_a_back_fill_waits_for_genesys_and_then_goes_on(driver: Driver) -> None:
    """While Genesys asks for silence the run goes back by itself, and ends when it may ask again."""
    driver.simulator("faults", throttle={"retry_after": 3600, "for_seconds": 600})
    existing(driver, 3, **day(50))
    run_id = start(driver, DEPLOYMENT, **day(50), **NO_RESTARTS)
    driver.until(
        lambda: [r for r in driver.runs(id={"any_": [run_id]}) if r["state_name"] == "AwaitingRetry"]
    )
    driver.simulator("faults", throttle=None)
    run = driver.finished(run_id)
    assert run["state_type"] == "COMPLETED"
    assert "3 added" in run["state"]["message"]


def test_deferred_work_whose_run_was_cancelled_goes_on(driver: Driver) -> None:
    """The later run cancelled by hand: the table remembers, and reconcile settles the interaction."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", not_settled_ids=[id_])
    driver.finished(driver.create_run([event_text(id_)]))
    cancelled = cancel_scheduled(driver, id_)
    driver.simulator("faults", not_settled_ids=[])
    due = datetime.fromisoformat(driver.row(id_)["dueAt"])
    driver.until(lambda: datetime.now(UTC) > due + timedelta(seconds=3.5))
    assert driver.settled(id_) is None
    run = reconcile(driver, unsettled="none")
    assert "1 overdue or unsettled restarted" in run["state"]["message"]
    assert driver.until(lambda: driver.settled(id_))["endedAt"]
    assert cancelled in {r["id"] for r in driver.runs_with(id_) if r["state_type"] == "CANCELLED"}
    assert "0 overdue or unsettled restarted" in reconcile(driver, unsettled="none")["state"]["message"]


def cancel_scheduled(driver: Driver, interaction_id: str) -> str:
    """Cancel the waiting run of an interaction, as in the UI; the run's id."""

    def waiting() -> str | None:
        runs = [r for r in driver.runs_with(interaction_id) if r["state_type"] == "SCHEDULED"]
        return runs[0]["id"] if runs else None

    run_id = driver.until(waiting)
    state = {"state": {"type": "CANCELLED"}, "force": True}
    driver.api(f"/flow_runs/{run_id}/set_state", state)
    return run_id


def test_a_record_that_never_settled_is_asked_for_again(driver: Driver) -> None:
    """A row that stayed unsettled when patience ended is settled once Genesys knows the end."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", not_settled_ids=[id_])
    driver.finished(driver.create_run([event_text(id_)], attempt=1_000))
    row = driver.row(id_)
    assert not row["settled"]
    assert "dueAt" not in row
    driver.simulator("faults", not_settled_ids=[])
    fetched = datetime.fromisoformat(row["fetchedAt"])
    driver.until(lambda: datetime.now(UTC) > fetched + timedelta(seconds=4.5))
    run = reconcile(driver)
    assert "1 overdue or unsettled restarted" in run["state"]["message"]
    assert driver.until(lambda: driver.settled(id_))


def test_bad_parameters_are_refused(driver: Driver) -> None:
    """An interval that is none fails the run with a sentence that names the parameter."""
    run = reconcile(driver, end=iso(midnight(1)))
    assert run["state_type"] == "FAILED"
    assert "invalid-interval: end needs a start" in run["state"]["message"]
