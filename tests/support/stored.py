"""What a sandbox stores: its tables and its bucket as a run sees them, and a search of all of it."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from tasks.records import InteractionRecord
from tasks.stores import InteractionTable, QuarantineTable, StagingBucket
from tests.support.bucket_search import decoded
from tests.support.sandbox import SandboxDriver


def interaction_table(driver: SandboxDriver) -> InteractionTable:
    """Return the table of records, as a run's own process sees it."""
    return InteractionTable(driver.sandbox.client("dynamodb"), driver.addresses.interaction_table)


def quarantine_table(driver: SandboxDriver) -> QuarantineTable:
    """Return the quarantine table, as a run's own process sees it."""
    return QuarantineTable(driver.sandbox.client("dynamodb"), driver.addresses.quarantine_table, days=1)


def staging_bucket(driver: SandboxDriver) -> StagingBucket:
    """Return the staged conversations, as a run's own process sees them."""
    return StagingBucket(driver.sandbox.client("s3"), driver.addresses.conversation_bucket)


def staged_conversation(driver: SandboxDriver, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole conversation of a row's version, out of the object that the row names, before any publish."""
    held = staging_bucket(driver).find(row["interactionId"], row["staged"])
    assert held is not None
    assert held.version == row["version"]
    return held.conversation


def put_former_object(s3: Any, bucket: str, interaction_id: str, conversation: Mapping[str, Any]) -> str:
    """Write a conversation as releases before 0.2 did, an object of its own; return its key."""
    text = json.dumps(conversation, sort_keys=True, separators=(",", ":"), default=float).encode()
    key = f"conversations/{interaction_id}/{hashlib.sha256(text).hexdigest()}.json.gz"
    s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(text, mtime=0), ContentEncoding="gzip")
    return key


def new_record(interaction_id: str, minute: int = 0, **content: Any) -> InteractionRecord:
    """Return a settled record with invented content; a later minute makes a newer version."""
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
        version=f"1~{minute:015d}~hash-{minute}",
        fetched_at=datetime(2026, 1, 15, 11, minute, tzinfo=UTC),
    )


def traces(driver: SandboxDriver, text: str) -> list[str]:
    """Return what is stored and mentions a text: rows of both tables, keys and contents of objects."""
    tables = (driver.addresses.interaction_table, driver.addresses.quarantine_table)
    rows = (json.dumps(row, default=str) for table in tables for row in driver.rows(table))
    return [each for each in (*rows, *_objects(driver)) if text in each]


def _objects(driver: SandboxDriver) -> Iterator[str]:
    s3, bucket = driver.sandbox.client("s3"), driver.addresses.conversation_bucket
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            with suppress(s3.exceptions.NoSuchKey):  # the second pass of an erasure has deleted it meanwhile
                body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                yield f"{entry['Key']} {decoded(body)}"
