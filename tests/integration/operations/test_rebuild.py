"""Records of a former release are made anew: out of their objects in S3, else out of what Genesys answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tasks.records import CONTENT_FIELDS, build_record
from tests.support.events import event_text, new_ids
from tests.support.former_version import former_version
from tests.support.prefect_runs import artifacts_of, replay
from tests.support.sandbox import SandboxDriver
from tests.support.stored import put_former_object, staged_conversation

ASKED = datetime(2026, 1, 15, 10, tzinfo=UTC)


def make_former(driver: SandboxDriver, interaction_id: str) -> None:
    """Turn a row into what release 0.1.0 wrote: its version, fewer fields, an agent's name that may be wrong."""
    row, client = driver.stored_row(interaction_id), driver.sandbox.client("dynamodb")
    details = {"conversationId": interaction_id, "conversationEnd": row["endedAt"]}
    record = build_record(details, ASKED)
    values = {
        ":version": former_version(record),
        ":hash": record.content_hash,
        ":fetched": "2026-01-15T10:00:00.000Z",
        ":name": "Somebody Else",
    }
    dropped = ("queues", "agents", "agentId", "mediaTypes", "handled", "abandoned")
    client.update_item(
        TableName=driver.addresses.interaction_table,
        Key={"interactionId": {"S": interaction_id}},
        UpdateExpression="SET version = :version, contentHash = :hash, fetchedAt = :fetched, agentName = :name "
        f"REMOVE {', '.join(dropped)}",
        ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
    )


def with_object(driver: SandboxDriver, row: dict[str, Any]) -> None:
    """Give a row's interaction the object in S3 that release 0.1.0 wrote."""
    whole, bucket = staged_conversation(driver, row), driver.addresses.conversation_bucket
    put_former_object(driver.sandbox.client("s3"), bucket, row["interactionId"], whole)


def without_fetched_at(driver: SandboxDriver, interaction_id: str) -> None:
    """Remove the time of a row's answer, as an edit by hand might."""
    driver.sandbox.client("dynamodb").update_item(
        TableName=driver.addresses.interaction_table,
        Key={"interactionId": {"S": interaction_id}},
        UpdateExpression="REMOVE fetchedAt",
    )


def content(row: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a row."""
    return {name: row[name] for name in CONTENT_FIELDS if name in row}


def remove_former_rows(driver: SandboxDriver) -> None:
    """Delete what other tests left in the table that all of them share: former rows, and rows without keys."""
    table = driver.addresses.interaction_table
    client = driver.sandbox.client("dynamodb")
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="begins_with(version, :settled) OR begins_with(version, :unsettled)"
        " OR (attribute_exists(version) AND attribute_not_exists(customerKeys))",
        ExpressionAttributeValues={":settled": {"S": "1|"}, ":unsettled": {"S": "0|"}},
    )
    for item in [item for page in pages for item in page["Items"]]:
        client.delete_item(TableName=table, Key={"interactionId": item["interactionId"]})


def test_records_are_made_anew(driver: SandboxDriver) -> None:
    """Out of S3 where Genesys has deleted the conversation, else out of an answer; what neither has stays."""
    remove_former_rows(driver)
    archived, answered, lost, current = ids = new_ids(4)
    driver.finished(driver.create_run([event_text(id_) for id_ in ids]))
    before = {id_: driver.stored_row(id_) for id_ in ids}
    with_object(driver, before[archived])
    for id_ in (archived, answered, lost):
        make_former(driver, id_)
    without_fetched_at(driver, answered)
    for id_ in (archived, lost):
        driver.simulator(f"conversations/{id_}/events", type="removed")

    dry = replay(driver, rebuild=True, dry_run=True)
    assert dry["state"]["message"].startswith("dry run: 3 events")
    assert archived in artifacts_of(driver, dry["id"])["replay-forecast"]["data"]
    run = replay(driver, rebuild=True)
    assert run["name"] == "replay of the records of a former release"
    assert run["state"]["message"] == "2 saved, 1 unchanged, 0 deferred, 0 rejected, 0 failed"

    after = {id_: driver.stored_row(id_) for id_ in ids}
    for id_ in (archived, answered):
        assert content(after[id_]) == content(before[id_])
        assert after[id_].get("agentName") == before[id_].get("agentName")
    assert after[archived]["fetchedAt"] == "2026-01-15T10:00:00.000Z"
    assert after[archived]["version"].startswith(f"1~{int(ASKED.timestamp() * 1000):015d}~")
    assert after[answered]["version"] > after[archived]["version"]
    assert after[lost]["version"].startswith("1|")
    assert after[current] == before[current]
    assert staged_conversation(driver, after[archived]) == staged_conversation(driver, before[archived])

    again = replay(driver, rebuild=True)
    assert again["state"]["message"] == "0 saved, 1 unchanged, 0 deferred, 0 rejected, 0 failed"
