"""What the tests of the operations share: deployments run as by a person, and a search of everything."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from tasks.records import InteractionRecord
from tasks.stores import ConversationArchive, InteractionTable, QuarantineTable
from tests.integration.sandbox import Driver


def start(driver: Driver, deployment: str, within_hours: float = 0, **parameters: Any) -> str:
    """Start a deployment by `flow/name`, as `prefect deployment run` does, now or later; the run's id."""
    url = f"{driver.addresses.prefect_api_url}/deployments/name/{deployment}"
    id_ = requests.get(url, timeout=10).json()["id"]
    due = (datetime.now(UTC) + timedelta(hours=within_hours)).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
    body = {"parameters": parameters, "state": state}
    path = f"/deployments/{id_}/create_flow_run"
    return str(driver.until(lambda: driver.api(path, body, missing=None), 30)["id"])


def erase(driver: Driver, **parameters: Any) -> dict[str, Any]:
    """Run an erasure to its end; the run."""
    return driver.finished(start(driver, "erase-interactions/erase", **parameters))


def second_pass(driver: Driver, receipt_id: str) -> dict[str, Any]:
    """The finished second pass of an erasure."""

    def look() -> dict[str, Any] | None:
        runs = [run for run in driver.runs() if run["parameters"].get("second_pass_of") == receipt_id]
        return driver.finished(runs[0]["id"]) if runs else None

    return driver.until(look)


def artifact(driver: Driver, key: str) -> list[dict[str, Any]]:
    """All versions under a key, the newest first."""
    query = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC"}
    found: list[dict[str, Any]] = driver.api("/artifacts/filter", query)
    return sorted(found, key=lambda each: each["created"], reverse=True)


def interactions(driver: Driver) -> InteractionTable:
    """The table of records, as a run's own process sees it."""
    return InteractionTable(driver.sandbox.client("dynamodb"), driver.addresses.interaction_table)


def quarantine(driver: Driver) -> QuarantineTable:
    """The quarantine table, as a run's own process sees it."""
    return QuarantineTable(driver.sandbox.client("dynamodb"), driver.addresses.quarantine_table, days=1)


def conversations(driver: Driver) -> ConversationArchive:
    """The bucket, as a run's own process sees it."""
    return ConversationArchive(driver.sandbox.client("s3"), driver.addresses.conversation_bucket)


def record(interaction_id: str, minute: int = 0, **content: Any) -> InteractionRecord:
    """A settled record made by hand, newer by the minute."""
    return InteractionRecord(
        interaction_id=interaction_id,
        settled=True,
        content={
            "interactionId": interaction_id,
            "settled": True,
            "endedAt": "2026-01-15T10:00:00.000Z",
            **content,
        },
        content_hash=f"hash-{minute}",
        version=f"1|2026-01-15T10:00:00.000Z|{minute:020d}|hash-{minute}",
        fetched_at=datetime(2026, 1, 15, 11, minute, tzinfo=UTC),
    )


def traces(driver: Driver, text: str) -> list[str]:
    """Everything that is stored and mentions a text: rows of both tables, objects' keys and contents."""
    tables = (driver.addresses.interaction_table, driver.addresses.quarantine_table)
    rows = (json.dumps(row, default=str) for table in tables for row in driver.rows(table))
    return [each for each in (*rows, *_objects(driver)) if text in each]


def _objects(driver: Driver) -> Iterator[str]:
    s3, bucket = driver.sandbox.client("s3"), driver.addresses.conversation_bucket
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            yield f"{entry['Key']} {_unpacked(body)}"


def _unpacked(body: bytes) -> str:
    return (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode()
