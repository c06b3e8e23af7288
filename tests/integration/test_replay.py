"""Replay as a person does it: ids, or what is in quarantine, through the deployment."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from typing import Any

import requests

from tests.integration.operations import start
from tests.integration.sandbox import Driver
from tests.integration.test_pipeline import event_text

DEPLOYMENT = "replay-interactions/replay"


def replay(driver: Driver, seconds: float = 60, **parameters: Any) -> dict[str, Any]:
    """Replay; the finished run."""
    return driver.finished(start(driver, DEPLOYMENT, **parameters), seconds)


def artifacts(driver: Driver, run_id: str) -> dict[str, dict[str, Any]]:
    """A run's artifacts by key."""
    query = {"artifacts": {"flow_run_id": {"any_": [run_id]}}}
    return {each["key"]: each for each in driver.api("/artifacts/filter", query)}


def ids(count: int) -> list[str]:
    """New interactions."""
    return [str(uuid.uuid4()) for _ in range(count)]


def test_the_command_line_makes_the_row(driver: Driver) -> None:
    """`prefect deployment run` with an id stores the interaction, and twice is harmless."""
    id_ = str(uuid.uuid4())
    command = ["deployment", "run", DEPLOYMENT, "-p", f'interaction_ids=["{id_}"]']
    subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "prefect", *command],
        env=driver.sandbox.environment(),
        check=True,
        capture_output=True,
        timeout=90,
    )
    first = driver.until(lambda: driver.settled(id_))
    again = replay(driver, interaction_ids=[id_])
    assert again["state"]["message"] == "0 saved, 1 unchanged, 0 deferred, 0 rejected, 0 failed"
    assert again["name"] == f"replay of {id_}"
    assert driver.row(id_)["runs"] == first["runs"]
    assert f"interaction-{id_}" in artifacts(driver, again["id"])


def test_each_id_is_answered_plainly(driver: Driver) -> None:
    """Stored, new, unknown and unsettled ids in one replay: each has its own outcome; no row is invented."""
    stored, new, unknown, unsettled = ids(4)
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


def test_bad_parameters_are_refused_without_repeating_them(driver: Driver) -> None:
    """A telephone number among the ids fails the run, which names its place and does nothing."""
    id_ = str(uuid.uuid4())
    run = replay(driver, interaction_ids=[id_, "+15550100999"])
    assert run["state_type"] == "FAILED"
    assert "at place 2" in run["state"]["message"]
    assert "5550100999" not in run["state"]["message"]
    assert driver.row(id_) is None


def test_a_dry_run_changes_nothing(driver: Driver) -> None:
    """It says what would be done, asks Genesys nothing and writes nothing."""
    stored, new = ids(2)
    driver.finished(driver.create_run([event_text(stored)]))
    run = replay(driver, interaction_ids=[stored, new], dry_run=True)
    listed = requests.get(f"{driver.addresses.genesys_api_url}/_sim/conversations", timeout=10).json()
    asked_for = {each["id"] for each in listed["conversations"]}
    assert stored in asked_for
    assert new not in asked_for
    assert driver.row(new) is None
    said = artifacts(driver, run["id"])["replay-forecast"]["data"]
    assert f"{stored}: stored and settled" in said
    assert f"{new}: not in the table" in said


def test_failed_events_leave_quarantine_by_a_replay(driver: Driver) -> None:
    """Everything that failed is replayed from quarantine once the cause is mended, and its rows are gone."""
    refused = ids(3)
    driver.simulator("faults", reject_ids=refused)
    driver.finished(driver.create_run([event_text(id_) for id_ in refused]))
    assert all(driver.quarantined(interactionId=id_) for id_ in refused)
    driver.simulator("reset", only=["faults"])
    early = replay(driver, quarantined="failed", until="2026-01-01T00:00:00Z")
    assert early["state"]["message"].startswith("nothing to replay")
    assert all(driver.quarantined(interactionId=id_) for id_ in refused)
    replay(driver, quarantined="failed", since="2026-01-01T00:00:00Z")
    assert all(driver.settled(id_) for id_ in refused)
    assert not any(driver.quarantined(interactionId=id_) for id_ in refused)


def test_a_rejected_event_stays_until_its_interaction_is_saved(driver: Driver) -> None:
    """Replayed as it is it is still invalid, and counted once more; replayed by its id, its row is gone."""
    id_, marker = ids(2)
    bad = {
        "id": marker,
        "detail-type": "conversation.end",
        "detail": {"conversationId": id_, "queueId": {"not": "an id"}},
    }
    driver.finished(driver.create_run([json.dumps(bad)]))
    assert [row["count"] for row in driver.quarantined(eventId=marker)] == [1]
    run = replay(driver, quarantined="rejected")
    assert "events rejected" in run["state"]["message"]
    assert [row["count"] for row in driver.quarantined(eventId=marker)] == [2]
    replay(driver, interaction_ids=[id_])
    assert driver.settled(id_)
    assert not driver.quarantined(eventId=marker)


def test_force_writes_over_newer_and_never_over_an_erasure(driver: Driver) -> None:
    """With force the row is what Genesys says now; a tombstone stays a tombstone."""
    newer, erased = ids(2)
    driver.finished(driver.create_run([event_text(newer)]))
    version = driver.row(newer)["version"]
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
    assert driver.row(newer)["mediaType"] == "wrong"
    forced = replay(driver, interaction_ids=[newer, erased], force=True)
    assert "1 saved, 1 unchanged" in forced["state"]["message"]
    assert driver.row(newer)["mediaType"] != "wrong"
    assert driver.row(newer)["version"] >= version
    assert driver.row(erased) == tombstone


def test_two_thousand_ids_are_one_run(driver: Driver) -> None:
    """A large replay works through its batches in its own run alone, and shows how far it is."""
    many = ids(2_000)
    before = driver.simulator_state()["requests"]["api"]
    run = replay(driver, 170, interaction_ids=many)
    assert run["state"]["message"] == "2000 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed"
    assert (
        20 <= driver.simulator_state()["requests"]["api"] - before < 40
    )  # other tests' later runs among them
    assert all(driver.settled(id_) for id_ in many[::100])
    shown = artifacts(driver, run["id"])
    assert shown["replay-progress"]["data"] == 100
    assert shown["replay-progress"]["description"] == "2000 of 2000 events replayed"
    assert len([key for key in shown if key.startswith("interaction-")]) == 20
    assert [each["id"] for each in driver.runs_with(many[0])] == [run["id"]]
