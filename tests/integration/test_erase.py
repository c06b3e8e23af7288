"""Erasing: a tombstone, then nothing else, whatever comes afterwards."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.outcomes import Kind
from tasks.stores import Buried, ConversationArchive, Deferral, Provenance, QuarantineRow, Written
from tests.integration.operations import (
    artifact,
    conversations,
    erase,
    interactions,
    quarantine,
    record,
    second_pass,
    start,
    traces,
)
from tests.integration.sandbox import Driver

RUN = Provenance(flow_run_id="a run that knows nothing of the erasure", attempt=1)
OUT_OF_REACH = ("EventBridge archive", "dead-letter queue", "log group", "backups", "Genesys Cloud itself")


def stored(driver: Driver) -> str:
    """An interaction that came as an event and has a record and an object."""
    id_ = driver.end()
    driver.until(lambda: driver.settled(id_))
    driver.until(lambda: next(conversations(driver).keys(id_), None))
    return id_


def only_tombstone(driver: Driver, interaction_id: str) -> bool:
    """Whether a scan of everything finds the tombstone and no more."""
    found = traces(driver, interaction_id)
    return len(found) == 1 and set(json.loads(found[0])) == {"interactionId", "erasedAt", "receiptId"}


def quarantined(driver: Driver, interaction_id: str) -> None:
    """Rows as a broken sender leaves them: one is known to be the interaction's, one only mentions it."""
    table = quarantine(driver)
    table.put(QuarantineRow("failed", "test", "made up", "{}", None, interaction_id), "a run")
    hidden = json.dumps({"id": str(uuid.uuid4()), "somewhere": interaction_id.upper()})
    table.put(QuarantineRow("rejected", "test", "made up", hidden), "a run")


def test_an_erasure_is_a_dry_run_unless_told_otherwise(driver: Driver) -> None:
    """Without `dry_run` switched off the receipt counts what would go, and nothing goes."""
    id_ = stored(driver)
    quarantined(driver, id_)
    before = sorted(traces(driver, id_))
    run = erase(driver, interaction_ids=[id_])
    assert run["state_name"] == "Completed"
    assert "nothing was erased: 1 records, 1 objects, 2 quarantine rows would go" in run["state"]["message"]
    assert sorted(traces(driver, id_)) == before
    receipt = artifact(driver, f"erasure-{run['id']}")[0]["data"]
    assert "| records | 1 |" in receipt
    assert "dry run" in receipt


def test_nothing_is_left_but_a_tombstone(driver: Driver) -> None:
    """Record, object and quarantine rows go, also a row that mentions the id in its text only."""
    id_, other = stored(driver), stored(driver)
    quarantined(driver, id_)
    kept = sorted(traces(driver, other))
    run = erase(driver, interaction_ids=[id_.upper()], dry_run=False)
    assert "erased: 1 records, 1 objects, 2 quarantine rows; once more at" in run["state"]["message"]
    assert only_tombstone(driver, id_)
    assert sorted(traces(driver, other)) == kept
    row = driver.row(id_)
    assert row is not None
    assert row["receiptId"] == run["id"]


def test_the_receipt_repeats_nothing_and_names_what_is_out_of_reach(driver: Driver) -> None:
    """A receipt has numbers, its second pass, and every place out of its reach with the retention."""
    id_ = stored(driver)
    run = erase(driver, interaction_ids=[id_], dry_run=False)
    again = second_pass(driver, run["id"])
    second, first = artifact(driver, f"erasure-{run['id']}")
    assert again["state_name"] == "Completed"
    assert "in the second pass" in again["state"]["message"]
    assert all(place in first["data"] for place in OUT_OF_REACH)
    assert "35 days" in first["data"]
    assert "| erased before (a tombstone stood) | 1 |" in second["data"]
    assert id_ not in first["data"] + second["data"]


def test_what_comes_late_changes_nothing(driver: Driver) -> None:
    """A late duplicate ends unchanged, and no write of a store's gets by the tombstone, forced or not."""
    id_ = stored(driver)
    erase(driver, interaction_ids=[id_], dry_run=False)
    driver.end(id_)
    run = driver.until(lambda: _finished_after(driver, id_, 2))
    assert [row["outcome"] for row in driver.outcomes(run["id"])] == [Kind.UNCHANGED]
    table = interactions(driver)
    soon = Deferral(datetime.now(UTC) + timedelta(hours=1), 2)
    assert table.save(record(id_), RUN).written is Written.ERASED
    assert table.save(record(id_, 1), RUN, force=True).written is Written.ERASED
    assert table.defer(id_, RUN, soon).written is Written.ERASED
    table.give_up(id_, RUN.flow_run_id)
    assert only_tombstone(driver, id_)


def test_replay_and_reconcile_do_not_bring_it_back(driver: Driver) -> None:
    """A replay with force ends unchanged, and a reconcile that finds it at Genesys's adds nothing."""
    id_ = str(uuid.uuid4())
    driver.simulator("conversations", ids=[id_], start="2026-01-15T09:00:00Z", end="2026-01-15T09:30:00Z")
    erase(driver, interaction_ids=[id_], dry_run=False)
    replay = start(driver, "replay-interactions/replay", interaction_ids=[id_], force=True)
    assert driver.finished(replay)["state_name"] == "Completed"
    assert only_tombstone(driver, id_)
    hour = {"start": "2026-01-15T09:00:00Z", "end": "2026-01-15T11:00:00Z"}
    reconcile = driver.finished(start(driver, "reconcile-interactions/reconcile", **hour))
    assert reconcile["state_name"] == "Completed", reconcile["state"]["message"]
    assert only_tombstone(driver, id_)


def test_a_late_invalid_event_leaves_no_quarantine_row(driver: Driver) -> None:
    """A rejected event that names an erased interaction is not kept."""
    id_ = stored(driver)
    erase(driver, interaction_ids=[id_], dry_run=False)
    driver.end(id_, mediaType=True)
    run = driver.until(lambda: _finished_after(driver, id_, 2))
    assert [row["outcome"] for row in driver.outcomes(run["id"])] == [Kind.UNCHANGED]
    assert only_tombstone(driver, id_)


def test_an_erasure_holds_for_what_was_never_stored(driver: Driver) -> None:
    """An unknown id gets its tombstone too, so that its event, still to come, is refused."""
    id_ = str(uuid.uuid4())
    erase(driver, interaction_ids=[id_], dry_run=False)
    driver.end(id_)
    driver.until(lambda: _finished_after(driver, id_, 1))
    assert only_tombstone(driver, id_)


def test_a_run_in_flight_does_not_bring_it_back(driver: Driver) -> None:
    """An interaction that is erased while its run waits for Genesys stays erased when the answer comes."""
    driver.simulator("faults", latency=5, strikes="api")
    id_ = driver.end()
    flight = driver.until(
        lambda: next((r for r in driver.runs_with(id_) if r["state_type"] == "RUNNING"), None)
    )
    driver.until(lambda: driver.simulator_state()["requests"]["api"])
    run = erase(driver, interaction_ids=[id_], dry_run=False)
    assert driver.finished(flight["id"])["end_time"] > run["end_time"]
    assert [row["outcome"] for row in driver.outcomes(flight["id"])] == [Kind.UNCHANGED]
    assert only_tombstone(driver, id_)


def test_the_second_pass_removes_what_a_run_in_flight_wrote(driver: Driver) -> None:
    """Objects and quarantine rows know no condition: what was written after a first pass goes later."""
    id_ = stored(driver)
    run = erase(driver, interaction_ids=[id_], dry_run=False)
    conversations(driver).put(id_, {"conversationId": id_})
    quarantined(driver, id_)
    assert not only_tombstone(driver, id_)
    again = second_pass(driver, run["id"])
    assert "1 objects, 2 quarantine rows in the second pass" in again["state"]["message"]
    assert only_tombstone(driver, id_)


def test_a_contact_is_erased_from_every_interaction_it_took_part_in(driver: Driver) -> None:
    """By external contact: also where it is not the first contact, which the index does not know."""
    contact, first, second, other = (str(uuid.uuid4()) for _ in range(4))
    table, someone_else = interactions(driver), "00000000-0000-4000-8000-000000000000"
    table.save(record(first, externalContactIds=[contact], externalContactId=contact), RUN)
    table.save(
        record(second, externalContactIds=[someone_else, contact], externalContactId=someone_else), RUN
    )
    table.save(record(other, externalContactIds=[someone_else], externalContactId=someone_else), RUN)
    run = erase(driver, external_contact_id=contact, dry_run=False)
    assert "erased: 2 records" in run["state"]["message"]
    assert only_tombstone(driver, first)
    assert only_tombstone(driver, second)
    assert driver.row(other)
    late = str(uuid.uuid4())  # a run in flight stores another one before the second pass
    table.save(record(late, externalContactIds=[contact], externalContactId=contact), RUN)
    second_pass(driver, run["id"])
    assert only_tombstone(driver, late)
    assert traces(driver, contact) == []


def test_a_mistaken_request_erases_nothing_and_says_what_to_mend(driver: Driver) -> None:
    """One id that is no UUID stops the whole erasure; the message names its place, never what was there."""
    id_ = stored(driver)
    run = erase(driver, interaction_ids=[id_, "+1 555 010 0199"], dry_run=False)
    assert run["state_name"] == "Failed"
    assert "1 of 2 interaction ids are no UUIDs (in places 2)" in run["state"]["message"]
    assert "555" not in run["state"]["message"]
    assert driver.settled(id_)
    nothing = erase(driver, dry_run=False)
    assert "give interaction ids or an external contact id" in nothing["state"]["message"]


def test_erasing_twice_is_harmless_and_keeps_the_first_receipt(driver: Driver) -> None:
    """The tombstone keeps its date; a tombstone that something was added to is made clean again."""
    id_, table = str(uuid.uuid4()), interactions(driver)
    assert table.entomb(id_, "first") is Buried.NOTHING
    stands = driver.row(id_)
    driver.sandbox.client("dynamodb").update_item(
        TableName=driver.addresses.interaction_table,
        Key={"interactionId": {"S": id_}},
        UpdateExpression="SET customerEmail = :email",
        ExpressionAttributeValues={":email": {"S": "someone@example.com"}},
    )
    assert table.entomb(id_, "second") is Buried.TOMBSTONE
    assert driver.row(id_) == stands


def test_a_versioned_bucket_loses_every_version(driver: Driver) -> None:
    """Old versions and delete markers go with the objects."""
    s3, bucket, id_ = driver.sandbox.client("s3"), f"versioned-{uuid.uuid4().hex[:8]}", str(uuid.uuid4())
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    store = ConversationArchive(s3, bucket)
    assert store.versioning() == "enabled"
    key = store.put(id_, {"conversationId": id_})
    store.put(id_, {"conversationId": id_})
    store.put(id_, {"conversationId": id_, "grown": True})
    s3.delete_object(Bucket=bucket, Key=key)
    kept = store.put("another", {"conversationId": "another"})
    assert store.erase(id_, versioned=True) >= 4
    left = s3.list_object_versions(Bucket=bucket)
    assert [entry["Key"] for entry in left.get("Versions", [])] == [kept]
    assert left.get("DeleteMarkers", []) == []


def _finished_after(driver: Driver, interaction_id: str, count: int) -> dict[str, Any] | None:
    """The latest run about an interaction, once so many of process-interactions have ended."""
    runs = [run for run in driver.runs_with(interaction_id) if "events" in run["parameters"]]
    done = [run for run in runs if run["state_type"] in ("COMPLETED", "FAILED")]
    return max(done, key=lambda run: run["start_time"]) if len(done) >= count else None
