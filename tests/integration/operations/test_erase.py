"""Erasures: of an interaction only a tombstone is left, whatever arrives afterwards."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.lake.rows import rows_of
from tasks.pipeline.outcomes import OutcomeKind
from tasks.stores import (
    ConversationBucket,
    Deferral,
    PreviousItem,
    Provenance,
    QuarantineRow,
    StagedConversation,
    WriteOutcome,
)
from tests.support.events import event_text, new_ids, oversize_event
from tests.support.prefect_runs import (
    ERASE,
    artifact_versions,
    artifacts_of,
    erase,
    follow_up_erasure,
    offered,
    publish,
    reconcile,
    replay,
)
from tests.support.sandbox import SandboxDriver
from tests.support.stored import (
    interaction_table,
    new_record,
    put_former_object,
    quarantine_table,
    staged_conversation,
    staging_bucket,
    traces,
)

RUN = Provenance(flow_run_id="another run", attempt=1)
OUT_OF_REACH = ("EventBridge archive", "dead-letter queue", "log group", "backups", "Genesys Cloud itself")


def stored(driver: SandboxDriver) -> str:
    """Store an interaction from an event, with its conversation staged in the bucket; return its id."""
    id_ = driver.end()
    driver.until_settled(id_)
    return id_


def two_of_one_object(driver: SandboxDriver) -> list[str]:
    """Store two interactions whose conversations are staged in one object; return their ids."""
    ids = new_ids(2)
    driver.finished(driver.create_run([event_text(id_) for id_ in ids]))
    assert len({driver.stored_row(id_)["staged"] for id_ in ids}) == 1
    return ids


def only_tombstone(driver: SandboxDriver, interaction_id: str) -> bool:
    """Return whether a scan of everything finds the tombstone and nothing else of an interaction."""
    found = traces(driver, interaction_id)
    names = {"interactionId", "erasedAt", "receiptId"}
    return len(found) == 1 and set(json.loads(found[0])) - {"startDays"} == names


def put_in_quarantine(driver: SandboxDriver, interaction_id: str) -> None:
    """Put two rows in quarantine: one with the interaction's id, one that mentions it in its event's text."""
    table = quarantine_table(driver)
    table.put(QuarantineRow("failed", "test", "made up", "{}", None, interaction_id), "a run")
    hidden = json.dumps({"id": str(uuid.uuid4()), "somewhere": interaction_id.upper()})
    table.put(QuarantineRow("rejected", "test", "made up", hidden), "a run")


def test_an_erasure_is_a_dry_run_by_default(driver: SandboxDriver) -> None:
    """Without dry_run=false the report counts what would be erased, and nothing is erased."""
    id_ = stored(driver)
    put_in_quarantine(driver, id_)
    before = sorted(traces(driver, id_))
    run = erase(driver, interaction_ids=[id_])
    assert run["state_name"] == "Completed"
    assert "nothing was erased: 1 records, 1 objects, 2 quarantine rows would go" in run["state"]["message"]
    assert sorted(traces(driver, id_)) == before
    report = artifact_versions(driver, f"erasure-{run['id']}")[0]["data"]
    assert "| records | 1 |" in report
    assert "dry run" in report


def test_no_file_of_the_tables_has_a_trace(driver: SandboxDriver) -> None:
    """What was published is erased from every file of the tables; a dry run counts its rows; another one stays."""

    def files(interaction_id: str) -> list[str]:
        return [each for each in traces(driver, interaction_id) if each.startswith("tables/")]

    id_, other = stored(driver), stored(driver)
    item = driver.stored_row(id_)
    count = sum(map(len, rows_of(item, staged_conversation(driver, item)).values()))
    assert publish(driver)["state_name"] == "Completed"
    assert len(files(id_)) > 4
    dry = erase(driver, interaction_ids=[id_])
    run = erase(driver, interaction_ids=[id_], dry_run=False)
    assert run["state_name"] == "Completed", run["state"]
    assert only_tombstone(driver, id_)
    assert len(files(other)) > 4
    for each in (dry, run):
        report = artifacts_of(driver, each["id"])[f"erasure-{each['id']}"]["data"]
        assert f"rows of the analytics tables, with every file that held them | {count} |" in report


def test_nothing_is_left_but_a_tombstone(driver: SandboxDriver) -> None:
    """Record, objects of any release and quarantine rows are erased, also a row that only mentions the id."""
    id_, other = two_of_one_object(driver)
    put_in_quarantine(driver, id_)
    s3, bucket = driver.sandbox.client("s3"), driver.addresses.conversation_bucket
    for each in (id_, other):
        put_former_object(s3, bucket, each, {"conversationId": each})
    kept = sorted(text for text in traces(driver, other) if not text.startswith("staging/"))
    run = erase(driver, interaction_ids=[id_.upper()], dry_run=False)
    assert "erased: 1 records, 2 objects, 2 quarantine rows; once more at" in run["state"]["message"]
    assert only_tombstone(driver, id_)
    assert sorted(text for text in traces(driver, other) if not text.startswith("staging/")) == kept
    assert staged_conversation(driver, driver.stored_row(other))["conversationId"] == other
    row = driver.row(id_)
    assert row is not None
    assert row["receiptId"] == run["id"]


def test_the_report_has_no_id_and_lists_what_an_erasure_cannot_reach(driver: SandboxDriver) -> None:
    """The report has counts, those of its follow-up, and each place out of reach with its retention."""
    id_ = stored(driver)
    run = erase(driver, interaction_ids=[id_], dry_run=False)
    again = follow_up_erasure(driver, run["id"])
    second, first = artifact_versions(driver, f"erasure-{run['id']}")
    assert again["state_name"] == "Completed"
    assert "in the second pass" in again["state"]["message"]
    assert all(place in first["data"] for place in OUT_OF_REACH)
    assert "35 days" in first["data"]
    assert "| erased before (a tombstone stood) | 1 |" in second["data"]
    assert id_ not in first["data"] + second["data"]


def test_a_late_event_or_write_changes_nothing(driver: SandboxDriver) -> None:
    """A late duplicate ends unchanged, and no write replaces the tombstone, forced or not."""
    id_ = stored(driver)
    erase(driver, interaction_ids=[id_], dry_run=False)
    driver.end(id_)
    run = driver.until(lambda: _finished_after(driver, id_, 2))
    assert [row["outcome"] for row in driver.outcomes(run["id"])] == [OutcomeKind.UNCHANGED]
    table = interaction_table(driver)
    soon = Deferral(datetime.now(UTC) + timedelta(hours=1), 2)
    assert table.save(new_record(id_), RUN) is WriteOutcome.ERASED
    assert table.save(new_record(id_, 1), RUN, force=True) is WriteOutcome.ERASED
    assert table.defer(id_, RUN, soon) is WriteOutcome.ERASED
    table.remove_deferral(id_, RUN.flow_run_id)
    assert only_tombstone(driver, id_)


def test_replay_and_reconcile_do_not_restore_it(driver: SandboxDriver) -> None:
    """A forced replay ends unchanged, and a reconcile that finds the conversation in Genesys adds nothing."""
    id_ = str(uuid.uuid4())
    driver.simulator("conversations", ids=[id_], start="2026-01-15T09:00:00Z", end="2026-01-15T09:30:00Z")
    erase(driver, interaction_ids=[id_], dry_run=False)
    assert replay(driver, interaction_ids=[id_], force=True)["state_name"] == "Completed"
    assert only_tombstone(driver, id_)
    hour = {"start": "2026-01-15T09:00:00Z", "end": "2026-01-15T11:00:00Z"}
    run = reconcile(driver, **hour)
    assert run["state_name"] == "Completed", run["state"]["message"]
    assert only_tombstone(driver, id_)


def test_a_late_invalid_event_leaves_no_quarantine_row(driver: SandboxDriver) -> None:
    """A rejected event of an erased interaction is not put in quarantine."""
    id_ = stored(driver)
    erase(driver, interaction_ids=[id_], dry_run=False)
    driver.create_run([oversize_event(id_)])
    run = driver.until(lambda: _finished_after(driver, id_, 2))
    assert [row["outcome"] for row in driver.outcomes(run["id"])] == [OutcomeKind.UNCHANGED]
    assert only_tombstone(driver, id_)


def test_an_erasure_holds_for_an_interaction_that_was_never_stored(driver: SandboxDriver) -> None:
    """An unknown id gets a tombstone, too, so that an event that is still to come is not stored."""
    id_ = str(uuid.uuid4())
    erase(driver, interaction_ids=[id_], dry_run=False)
    driver.end(id_)
    driver.until(lambda: _finished_after(driver, id_, 1))
    assert only_tombstone(driver, id_)


def test_a_run_in_flight_does_not_restore_it(driver: SandboxDriver) -> None:
    """An interaction that is erased while its run waits for Genesys stays erased after the answer."""
    driver.simulator("faults", latency=20, strikes="api")

    def erased_in_flight() -> tuple[str, str] | None:
        id_ = str(uuid.uuid4())
        flight = driver.create_run([event_text(id_)])
        driver.until(lambda: driver.asked_for(id_))
        run = erase(driver, interaction_ids=[id_], dry_run=False)
        landed = driver.finished(flight)["end_time"] > run["end_time"]
        return (id_, flight) if landed else None  # on a busy machine the answer may come before the erasure

    id_, flight = driver.until(erased_in_flight)
    assert [row["outcome"] for row in driver.outcomes(flight)] == [OutcomeKind.UNCHANGED]
    assert only_tombstone(driver, id_)


def test_the_follow_up_removes_what_a_run_in_flight_wrote(driver: SandboxDriver) -> None:
    """Objects and quarantine rows are written without a condition: those written after the erasure go later.

    As by a worker that died between an object and the row that a tombstone would have refused.
    """
    id_ = stored(driver)
    run = erase(driver, interaction_ids=[id_], dry_run=False)
    staging_bucket(driver).put([StagedConversation(id_, "1", {"conversationId": id_})])
    put_in_quarantine(driver, id_)
    assert not only_tombstone(driver, id_)
    again = follow_up_erasure(driver, run["id"])
    assert "1 objects, 2 quarantine rows in the second pass" in again["state"]["message"]
    assert only_tombstone(driver, id_)


def test_a_contact_is_erased_from_every_interaction_it_took_part_in(driver: SandboxDriver) -> None:
    """By external contact, also where it is not the first contact, the only one in the index."""
    contact, first, second, other = (str(uuid.uuid4()) for _ in range(4))
    table, someone_else = interaction_table(driver), "00000000-0000-4000-8000-000000000000"
    table.save(new_record(first, externalContactIds=[contact], externalContactId=contact), RUN)
    table.save(
        new_record(second, externalContactIds=[someone_else, contact], externalContactId=someone_else), RUN
    )
    table.save(new_record(other, externalContactIds=[someone_else], externalContactId=someone_else), RUN)
    run = erase(driver, external_contact_id=contact, dry_run=False)
    assert "erased: 2 records" in run["state"]["message"]
    assert only_tombstone(driver, first)
    assert only_tombstone(driver, second)
    assert driver.row(other)
    late = str(uuid.uuid4())  # stored by a run in flight before the follow-up
    table.save(new_record(late, externalContactIds=[contact], externalContactId=contact), RUN)
    follow_up_erasure(driver, run["id"])
    assert only_tombstone(driver, late)
    assert traces(driver, contact) == []


def test_an_invalid_request_erases_nothing_and_names_the_mistake(driver: SandboxDriver) -> None:
    """One id that is no UUID stops the whole erasure, where the schema is not enforced; it is named by its place."""
    id_ = stored(driver)
    ids = [id_, "+1 555 010 0199"]
    answer = offered(driver, ERASE, enforced=False, interaction_ids=ids, dry_run=False, reason="TICKET-1")
    run = driver.finished(answer.json()["id"])
    assert run["state_name"] == "Failed"
    assert "1 of 2 interaction ids are no UUIDs (in places 2)" in run["state"]["message"]
    assert "555" not in run["state"]["message"]
    assert driver.settled(id_)
    nothing = erase(driver, dry_run=False)
    assert "give interaction ids or an external contact id" in nothing["state"]["message"]


def test_erasing_twice_keeps_the_first_tombstone(driver: SandboxDriver) -> None:
    """The tombstone keeps its date; fields that were added to it are removed."""
    id_, table = str(uuid.uuid4()), interaction_table(driver)
    assert table.write_tombstone(id_, "first") is PreviousItem.NOTHING
    tombstone = driver.row(id_)
    driver.sandbox.client("dynamodb").update_item(
        TableName=driver.addresses.interaction_table,
        Key={"interactionId": {"S": id_}},
        UpdateExpression="SET customerEmail = :email",
        ExpressionAttributeValues={":email": {"S": "someone@example.com"}},
    )
    assert table.write_tombstone(id_, "second") is PreviousItem.TOMBSTONE
    assert driver.row(id_) == tombstone


def test_every_version_in_a_versioned_bucket_is_erased(driver: SandboxDriver) -> None:
    """Old versions and delete markers are deleted with the objects."""
    s3, bucket, id_ = driver.sandbox.client("s3"), f"versioned-{uuid.uuid4().hex[:8]}", str(uuid.uuid4())
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    store = ConversationBucket(s3, bucket)
    assert store.versioning() == "enabled"
    key = put_former_object(s3, bucket, id_, {"conversationId": id_})
    put_former_object(s3, bucket, id_, {"conversationId": id_})
    put_former_object(s3, bucket, id_, {"conversationId": id_, "grown": True})
    s3.delete_object(Bucket=bucket, Key=key)
    kept = put_former_object(s3, bucket, "another", {"conversationId": "another"})
    assert store.erase(id_, versioned=True) >= 4
    left = s3.list_object_versions(Bucket=bucket)
    assert [entry["Key"] for entry in left.get("Versions", [])] == [kept]
    assert left.get("DeleteMarkers", []) == []


def _finished_after(driver: SandboxDriver, interaction_id: str, count: int) -> dict[str, Any] | None:
    """Return the latest run with an interaction, once so many of process-interactions have ended."""
    runs = [run for run in driver.runs_with(interaction_id) if "events" in run["parameters"]]
    done = [run for run in runs if run["state_type"] in ("COMPLETED", "FAILED")]
    return max(done, key=lambda run: run["start_time"]) if len(done) >= count else None
