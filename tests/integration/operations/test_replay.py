"""Replays of ids and of quarantined events, through the deployment."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime

import pytest
import requests

from tests.support.events import event_text, new_ids, oversize_event
from tests.support.intervals import iso
from tests.support.prefect_runs import ERASE, REPLAY, artifacts_of, offered, replay
from tests.support.preloaded import run_python
from tests.support.sandbox import SandboxDriver


def test_prefects_command_line_replays_an_id(driver: SandboxDriver) -> None:
    """`prefect deployment run` with an id stores the interaction; a second replay leaves it unchanged."""
    id_ = str(uuid.uuid4())
    command = ["deployment", "run", REPLAY, "-p", f'interaction_ids=["{id_}"]']
    run_python("-m", "prefect", *command, environment=driver.sandbox.environment()).check_returncode()
    first = driver.until_settled(id_)
    again = replay(driver, interaction_ids=[id_])
    assert again["state"]["message"] == "0 saved, 1 unchanged, 0 deferred, 0 rejected, 0 failed"
    assert again["name"] == f"replay of {id_}"
    assert driver.stored_row(id_)["runs"] == first["runs"]
    assert f"interaction-{id_}" in artifacts_of(driver, again["id"])


def test_each_id_has_its_own_outcome(driver: SandboxDriver) -> None:
    """Stored, new, unknown and unsettled ids in one replay; an unknown one gets no row."""
    stored, new, unknown, unsettled = new_ids(4)
    driver.finished(driver.create_run([event_text(stored)]))
    driver.simulator("faults", unknown_ids=[unknown], not_settled_ids=[unsettled])
    run = replay(driver, interaction_ids=[stored, new, unknown, unsettled])
    outcomes = {row["interactionId"]: row for row in driver.outcomes(run["id"])}
    assert {id_: outcomes[id_]["outcome"] for id_ in (stored, new, unknown, unsettled)} == {
        stored: "unchanged",
        new: "saved",
        unknown: "failed",
        unsettled: "deferred",
    }
    assert run["state_type"] == "FAILED"
    assert f"{unknown} unknown-to-genesys" in run["state"]["message"]
    assert driver.row(unknown) is None
    assert not driver.quarantined(interactionId=unknown)
    later = [each for each in driver.runs_with(unsettled) if each["id"] != run["id"]]
    assert [each["work_queue_name"] for each in later][-1:] == ["replay"]


def test_a_list_that_fails_is_not_worked_through(driver: SandboxDriver) -> None:
    """More failures than tolerated stop a replay: what is left is counted and never asked for; 1 tolerates all."""
    wrong = new_ids(1_200)
    driver.simulator("faults", unknown_ids=wrong)
    run = replay(driver, interaction_ids=wrong)
    assert run["state_type"] == "FAILED"
    tried = len(driver.outcomes(run["id"]))
    found = re.search(r"stopped: (\d+) of (\d+) .*10% are tolerated; (\d+) were not", run["state"]["message"])
    assert found is not None, run["state"]["message"]
    failed, done, left = map(int, found.groups())
    assert (failed, done, done + left) == (tried, tried, len(wrong))
    assert tried < len(wrong)
    borne = replay(driver, interaction_ids=wrong, tolerated_failures=1)
    assert "1200 failed" in borne["state"]["message"]
    assert "stopped" not in borne["state"]["message"]


@pytest.mark.parametrize("deployment", [REPLAY, ERASE])
def test_prefect_refuses_what_is_no_id(driver: SandboxDriver, deployment: str) -> None:
    """Before there is a run, so a phone number among the ids gets into no parameter."""
    id_ = str(uuid.uuid4())
    answer = offered(driver, deployment, interaction_ids=[id_, "+15550100999"])
    assert answer.status_code == 409
    assert "interaction_ids[1]" in answer.text
    assert driver.runs_with(id_) == []


def test_an_id_is_taken_in_capitals_and_between_blanks(driver: SandboxDriver) -> None:
    """As a person pastes it."""
    id_ = str(uuid.uuid4())
    run = replay(driver, interaction_ids=[f" {id_.upper()} "])
    assert run["state"]["message"].startswith("1 saved")
    assert driver.settled(id_)


def test_an_invalid_id_is_not_quoted(driver: SandboxDriver) -> None:
    """Of a client that has the schema not enforced: nothing is fetched; the message has the position only."""
    id_ = str(uuid.uuid4())
    answer = offered(driver, REPLAY, enforced=False, interaction_ids=[id_, "+15550100999"])
    run = driver.finished(answer.json()["id"])
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "Refused")
    assert "at place 2" in run["state"]["message"]
    assert "5550100999" not in run["state"]["message"]
    assert driver.row(id_) is None


def test_a_dry_run_changes_nothing(driver: SandboxDriver) -> None:
    """It reports what a replay would do, without a request or a write."""
    stored, new = new_ids(2)
    driver.finished(driver.create_run([event_text(stored)]))
    run = replay(driver, interaction_ids=[stored, new], dry_run=True)
    listed = requests.get(f"{driver.addresses.genesys_api_url}/_sim/conversations", timeout=60).json()
    asked_for = {each["id"] for each in listed["conversations"]}
    assert stored in asked_for
    assert new not in asked_for
    assert driver.row(new) is None
    said = artifacts_of(driver, run["id"])["replay-forecast"]["data"]
    assert f"{stored}: stored and settled" in said
    assert f"{new}: not in the table" in said


def test_a_replay_of_failed_events_removes_them_from_quarantine(driver: SandboxDriver) -> None:
    """Failed interactions of an interval are replayed once Genesys accepts them, and their rows are deleted."""
    refused, since = new_ids(3), just_now()
    driver.simulator("faults", reject_ids=refused)
    driver.finished(driver.create_run([event_text(id_) for id_ in refused]))
    assert all(driver.quarantined(interactionId=id_) for id_ in refused)
    driver.simulator("reset", only=["faults"])
    early = replay(driver, quarantined="failed", until="2026-01-01T00:00:00Z")
    assert early["state"]["message"].startswith("nothing to replay")
    assert all(driver.quarantined(interactionId=id_) for id_ in refused)
    replay(driver, quarantined="failed", since=since)
    assert all(driver.settled(id_) for id_ in refused)
    assert not any(driver.quarantined(interactionId=id_) for id_ in refused)


def just_now() -> str:
    """Return the beginning of this second: what other tests have put into quarantine before is not replayed."""
    return iso(datetime.now(UTC))


def test_a_rejected_event_stays_until_its_interaction_is_saved(driver: SandboxDriver) -> None:
    """Replayed from quarantine it is rejected and counted again; replayed by its id, its row is deleted."""
    (id_, marker), since = new_ids(2), just_now()
    driver.finished(driver.create_run([oversize_event(id_, marker)]))
    assert [row["count"] for row in driver.quarantined(eventId=marker)] == [1]
    run = replay(driver, quarantined="rejected", since=since)
    assert "events rejected" in run["state"]["message"]
    assert [row["count"] for row in driver.quarantined(eventId=marker)] == [2]
    replay(driver, interaction_ids=[id_])
    assert driver.settled(id_)
    assert not driver.quarantined(eventId=marker)


def test_force_replaces_a_newer_version_and_no_tombstone(driver: SandboxDriver) -> None:
    """A forced replay stores what Genesys has now; a tombstone stays."""
    newer, erased = new_ids(2)
    driver.finished(driver.create_run([event_text(newer)]))
    version = driver.stored_row(newer)["version"]
    database, table = driver.sandbox.client("dynamodb"), driver.addresses.interaction_table
    database.update_item(
        TableName=table,
        Key={"interactionId": {"S": newer}},
        UpdateExpression="SET version = :v, contentHash = :h, mediaType = :m",
        ExpressionAttributeValues={":v": {"S": "2|future"}, ":h": {"S": "x"}, ":m": {"S": "wrong"}},
    )
    tombstone = {"interactionId": erased, "erasedAt": "2026-01-01T00:00:00.000Z"}
    database.put_item(TableName=table, Item={name: {"S": value} for name, value in tombstone.items()})
    assert "2 unchanged" in replay(driver, interaction_ids=[newer, erased])["state"]["message"]
    assert driver.stored_row(newer)["mediaType"] == "wrong"
    forced = replay(driver, interaction_ids=[newer, erased], force=True)
    assert "1 saved, 1 unchanged" in forced["state"]["message"]
    assert driver.stored_row(newer)["mediaType"] != "wrong"
    assert driver.stored_row(newer)["version"] >= version
    assert driver.row(erased) == tombstone


def test_two_thousand_ids_are_one_run(driver: SandboxDriver) -> None:
    """A large replay processes its batches in one run and shows its progress."""
    many = new_ids(2_000)
    run = replay(driver, interaction_ids=many)
    assert run["state"]["message"] == "2000 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed"
    assert 20 <= len(driver.asked_for(*many)) < 40
    assert all(driver.settled(id_) for id_ in many[::100])
    shown = artifacts_of(driver, run["id"])
    assert shown["replay-progress"]["data"] == 100
    assert shown["replay-progress"]["description"] == "2000 of 2000 events replayed"
    assert len([key for key in shown if key.startswith("interaction-")]) == 20
    assert [each["id"] for each in driver.runs_with(many[0])] == [run["id"]]
