"""Reconcile: conversations without an event are stored, and overdue deferred work is restarted."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from deployments.sandbox.genesys.conversations.details import conversation
from tasks.records import build_record
from tests.support.events import event_text
from tests.support.intervals import NO_RESTARTS, add_conversations, day, iso, midnight
from tests.support.prefect_runs import (
    RECONCILE,
    artifacts_of,
    awaiting_retry,
    reconcile,
    schedule_run,
    start_run,
)
from tests.support.sandbox import SandboxDriver
from tests.support.stored import staged_conversation


@pytest.fixture(autouse=True)
def _empty_genesys(driver: SandboxDriver) -> None:
    """Reset the simulator, which lists the conversations of earlier tests as well."""
    driver.simulator("reset")


def test_conversations_without_an_event_are_stored_once(driver: SandboxDriver) -> None:
    """Of 200 conversations 20 had no event: one run stores exactly those, a second one nothing."""
    yesterday = day(1)
    known = add_conversations(driver, 200, **yesterday)
    lost, sent = set(known[:20]), known[20:]
    driver.finished(driver.create_run([event_text(id_) for id_ in sent]))
    before = {row["interactionId"]: row for row in driver.rows(driver.addresses.interaction_table)}

    first = reconcile(driver, **yesterday, **NO_RESTARTS)
    assert first["state"]["message"].startswith("200 seen, 180 present, 20 added, 0 updated, 6 requests")
    asked = [path for path in driver.simulator_state()["by_path"] if path.endswith("/query")]
    assert [driver.simulator_state()["by_path"][path] for path in asked] == [
        6
    ]  # 2 pages, an empty one, 3 midnights
    after = {row["interactionId"]: row for row in driver.rows(driver.addresses.interaction_table)}
    assert (after.keys() - before.keys()) & set(known) == lost
    assert all(after[id_]["settled"] and after[id_]["runs"] == [first["id"]] for id_ in lost)
    assert all(after[id_] == before[id_] for id_ in sent)
    report = artifacts_of(driver, first["id"])["reconcile"]
    assert "| added | 20 |" in report["data"]
    assert all(id_ in report["data"] for id_ in lost)

    second = reconcile(driver, **yesterday, **NO_RESTARTS)
    assert second["state"]["message"].startswith("200 seen, 200 present, 0 added, 0 updated")


@pytest.mark.parametrize(("total_hits", "days_ago"), [("half", 60), ("absent", 61)])
def test_no_total_and_no_limit_of_a_page_hides_anything(
    driver: SandboxDriver, total_hits: str, days_ago: int
) -> None:
    """300 conversations in a day whose total is wrong, and of which Genesys gives 25 at once: all are stored."""
    listed = add_conversations(driver, 300, **day(days_ago))
    driver.simulator("faults", page_max=25, total_hits=total_hits)
    run = reconcile(driver, **day(days_ago), **NO_RESTARTS)
    assert run["state_type"] == "COMPLETED"
    assert run["state"]["message"].startswith("300 seen, 0 present, 300 added, 0 updated")
    assert [id_ for id_ in listed if driver.row(id_) is None] == []


def test_a_query_stores_the_same_as_a_fetch_by_id(driver: SandboxDriver) -> None:
    """The record and the whole conversation from a query equal those of a fetch by id."""
    (id_,) = add_conversations(driver, 1, **day(20))
    reconcile(driver, **day(20), **NO_RESTARTS)
    found = driver.stored_row(id_)
    run = driver.finished(driver.create_run([event_text(id_)]))
    assert "1 unchanged" in run["state"]["message"]
    fetched = driver.stored_row(id_)
    assert fetched["contentHash"] == found["contentHash"]
    assert staged_conversation(driver, fetched) == staged_conversation(driver, found)


def test_corrections_are_updates_and_erased_interactions_stay_erased(driver: SandboxDriver) -> None:
    """A corrected conversation replaces the stored record; an erased one is skipped."""
    corrected, erased, same = add_conversations(driver, 3, **day(25))
    driver.finished(driver.create_run([event_text(id_) for id_ in (corrected, same)]))
    tombstone = {"interactionId": erased, "erasedAt": "2026-01-01T00:00:00.000Z"}
    driver.sandbox.client("dynamodb").put_item(
        TableName=driver.addresses.interaction_table,
        Item={name: {"S": value} for name, value in tombstone.items()},
    )
    driver.revise(corrected, "corrected")
    before = driver.stored_row(corrected)
    run = reconcile(driver, **day(25), **NO_RESTARTS)
    assert run["state"]["message"].startswith("3 seen, 1 present, 0 added, 1 updated, 1 erased")
    assert driver.stored_row(corrected)["version"] > before["version"]
    assert driver.row(erased) == tombstone


def test_a_conversation_over_midnight_is_found_by_its_end(driver: SandboxDriver) -> None:
    """Genesys lists conversations by the day of their start: the seconds before midnight are queried as well."""
    night = add_conversations(
        driver, 30, start=iso(midnight(30) - timedelta(minutes=2)), end=iso(midnight(30))
    )
    listed = requests.get(f"{driver.addresses.genesys_api_url}/_sim/conversations", timeout=60).json()
    over = {c["id"] for c in listed["conversations"] if c["end"] > iso(midnight(30)) and c["id"] in night}
    assert over
    reconcile(driver, start=iso(midnight(30)), end=iso(midnight(30) + timedelta(hours=3)), **NO_RESTARTS)
    stored = {id_ for id_ in night if driver.row(id_)}
    assert over <= stored


def test_an_interrupted_backfill_continues_at_its_checkpoint(driver: SandboxDriver) -> None:
    """The completed days are a Prefect variable; the same interval skips them and deletes it at the end."""
    interval = {"start": iso(midnight(44)), "end": iso(midnight(40))}
    every = [add_conversations(driver, 5, **day(days_ago)) for days_ago in (44, 43, 42, 41)]
    name = f"reconcile_{midnight(44):%Y%m%dt%H%M%S}_{midnight(40):%Y%m%dt%H%M%S}"
    variables = f"{driver.addresses.prefect_api_url}/variables"
    note = {"name": name, "value": midnight(42).isoformat()}
    requests.post(f"{variables}/", json=note, timeout=60).raise_for_status()
    run = reconcile(driver, **interval, **NO_RESTARTS)
    assert run["state"]["message"].startswith("10 seen, 0 present, 10 added, 0 updated, 4 requests")
    assert [bool(driver.row(ids[0])) for ids in every] == [False, False, True, True]
    assert requests.get(f"{variables}/name/{name}", timeout=60).status_code == 404
    assert "20 seen, 10 present, 10 added" in reconcile(driver, **interval, **NO_RESTARTS)["state"]["message"]


def test_a_throttled_backfill_reschedules_itself(driver: SandboxDriver) -> None:
    """While Genesys throttles the run waits as AwaitingRetry, and completes afterwards."""
    driver.simulator("faults", throttle={"retry_after": 3600, "for_seconds": 600})
    add_conversations(driver, 3, **day(50))
    run_id = start_run(driver, RECONCILE, **day(50), **NO_RESTARTS)
    awaiting_retry(driver, run_id)
    driver.simulator("faults", throttle=None)
    run = driver.finished(run_id)
    assert run["state_type"] == "COMPLETED"
    assert "3 added" in run["state"]["message"]


def test_deferred_work_of_a_cancelled_run_is_restarted(driver: SandboxDriver) -> None:
    """The later run is cancelled; the row is overdue, and reconcile starts another run that settles it."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", not_settled_ids=[id_])
    cancelled = cancelled_before_it_began(driver, id_)
    driver.simulator("faults", not_settled_ids=[])
    due = datetime.fromisoformat(driver.stored_row(id_)["dueAt"])
    driver.until(lambda: datetime.now(UTC) > due + timedelta(seconds=3.5))
    assert driver.settled(id_) is None
    run = reconcile(driver, unsettled="none")
    assert restarted(run) >= 1
    assert driver.until_settled(id_)["endedAt"]
    assert cancelled in {r["id"] for r in driver.runs_with(id_) if r["state_type"] == "CANCELLED"}
    runs = {r["id"] for r in driver.runs_with(id_)}
    reconcile(driver, unsettled="none")
    assert {r["id"] for r in driver.runs_with(id_)} == runs


def restarted(run: dict[str, Any]) -> int:
    """Return how many interactions a reconcile restarted; other tests may have left some as well."""
    found = re.search(r"(\d+) overdue or unsettled restarted", run["state"]["message"])
    assert found, run["state"]["message"]
    return int(found[1])


def cancelled_before_it_began(driver: SandboxDriver, interaction_id: str) -> str:
    """Defer an interaction, and cancel the run that is to ask again; return that run's id.

    The first run takes another work queue, so that no worker begins the later one: it waits in the paused queue.
    """
    driver.pause_live(paused=True)
    try:
        first = schedule_run(driver, "process-interactions/live", _events(interaction_id), queue="replay")
        assert driver.finished(first)["state_type"] == "COMPLETED"
        (later,) = [run for run in driver.runs_with(interaction_id) if run["id"] != first]
        state = {"state": {"type": "CANCELLED"}, "force": True}
        driver.api(f"/flow_runs/{later['id']}/set_state", state)
    finally:
        driver.pause_live(paused=False)
    return str(later["id"])


def _events(interaction_id: str) -> dict[str, Any]:
    return {"events": [event_text(interaction_id)]}


def test_an_unsettled_record_is_fetched_again(driver: SandboxDriver) -> None:
    """A row that stayed unsettled after the last attempt is settled once Genesys has the end."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", not_settled_ids=[id_])
    driver.finished(driver.create_run([event_text(id_)], attempt=1_000))
    row = driver.stored_row(id_)
    assert not row["settled"]
    assert "dueAt" not in row
    driver.simulator("faults", not_settled_ids=[])
    fetched = datetime.fromisoformat(row["fetchedAt"])
    driver.until(lambda: datetime.now(UTC) > fetched + timedelta(seconds=4.5))
    run = reconcile(driver, unsettled="all")
    assert restarted(run) >= 1
    assert driver.until_settled(id_)


def test_an_interval_that_is_none_calls_nobody(driver: SandboxDriver) -> None:
    """The message names the parameter that is missing; the state is no failure, and not Completed by its name."""
    run = reconcile(driver, end=iso(midnight(1)))
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "Refused")
    assert run["state"]["message"].startswith("invalid-interval: end needs a start")


def test_without_a_parameter_a_reconcile_reads_no_table(driver: SandboxDriver) -> None:
    """The last three hours, and what is overdue: an unsettled record is left to the schedule."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", not_settled_ids=[id_])
    driver.finished(driver.create_run([event_text(id_)], attempt=1_000))
    fetched = datetime.fromisoformat(driver.stored_row(id_)["fetchedAt"])
    driver.until(lambda: datetime.now(UTC) > fetched + timedelta(seconds=4.5))
    run = reconcile(driver)
    assert (run["name"], run["state_name"]) == ("reconcile the last 3 hours", "Completed")
    assert len(driver.runs_with(id_)) == 1


def ended_days_ago(driver: SandboxDriver, days: int) -> dict[str, dict[str, Any]]:
    """Store interactions that ended so many days ago, and nothing since; return a row of mail and one of voice."""
    moment = datetime.now(UTC) - timedelta(days=days)
    ids = {medium: id_of_medium(medium) for medium in ("message", "voice")}
    start, end = iso(moment), iso(moment + timedelta(minutes=5))
    driver.simulator("conversations", ids=list(ids.values()), start=start, end=end)
    driver.finished(driver.create_run([event_text(id_) for id_ in ids.values()]))
    rows = {medium: driver.stored_row(id_) for medium, id_ in ids.items()}
    assert {medium: row["mediaTypes"] for medium, row in rows.items()} == {each: [each] for each in ids}
    return rows


def id_of_medium(medium: str) -> str:
    """Return a new id of which the simulator has a conversation of this medium alone."""
    while True:
        id_ = str(uuid.uuid4())
        record = build_record(conversation(id_, 0)[0], datetime.now(UTC))
        if record.content["mediaTypes"] == [medium]:
            return id_


def fetched_at(driver: SandboxDriver, interaction_id: str, moment: datetime) -> None:
    """Let a row have been fetched at a moment."""
    driver.sandbox.client("dynamodb").update_item(
        TableName=driver.addresses.interaction_table,
        Key={"interactionId": {"S": interaction_id}},
        UpdateExpression="SET fetchedAt = :at",
        ExpressionAttributeValues={":at": {"S": iso(moment)}},
    )


def test_a_thread_that_ends_again_is_found_without_an_event(driver: SandboxDriver) -> None:
    """Ten days after its end a conversation of messages is asked for again, one of voice is not."""
    rows = ended_days_ago(driver, 11)
    thread, call = rows["message"]["interactionId"], rows["voice"]["interactionId"]
    driver.revise(thread, "ended-again")
    for id_ in (thread, call):
        fetched_at(driver, id_, datetime.now(UTC) - timedelta(days=9))
    driver.simulator("reset", only=["counters"])

    run = reconcile(driver, last_hours=0.1, overdue=False, unsettled="all")

    assert run["state_type"] == "COMPLETED"
    after = driver.stored_row(thread)
    assert after["endedAt"] > rows["message"]["endedAt"]
    assert after["settled"]
    assert driver.stored_row(call)["contentHash"] == rows["voice"]["contentHash"]
    assert driver.asked_for(thread)
    assert not driver.asked_for(call)

    driver.simulator("reset", only=["counters"])
    reconcile(driver, last_hours=0.1, overdue=False, unsettled="all")
    assert not driver.asked_for(thread)


def test_a_thread_that_is_open_again_is_asked_for_until_it_ends(driver: SandboxDriver) -> None:
    """The settled row stays, and the next scan asks again."""
    row = ended_days_ago(driver, 12)["message"]
    thread = row["interactionId"]
    driver.revise(thread, "reopened")
    fetched_at(driver, thread, datetime.now(UTC) - timedelta(days=9))
    reconcile(driver, last_hours=0.1, overdue=False, unsettled="all")
    assert driver.stored_row(thread)["endedAt"] == row["endedAt"]
    driver.simulator(f"conversations/{thread}/events", type="ended")
    assert driver.until(lambda: driver.stored_row(thread)["endedAt"] > row["endedAt"])


def test_what_genesys_no_longer_returns_is_counted_and_named(driver: SandboxDriver) -> None:
    """Its record stays; what is only not listed is asked for by its id, and is not named."""
    gone, there = add_conversations(driver, 2, **day(75))
    driver.finished(driver.create_run([event_text(id_) for id_ in (gone, there)]))
    before = driver.stored_row(gone)
    driver.simulator(f"conversations/{gone}/events", type="removed")

    run = reconcile(driver, **day(75), **NO_RESTARTS, no_longer_returned=True)

    assert run["state_type"] == "COMPLETED"
    assert "1 asked again, 1 not returned" in run["state"]["message"]
    report = artifacts_of(driver, run["id"])["reconcile"]["data"]
    assert gone in report
    assert there not in report
    assert driver.stored_row(gone) == before
