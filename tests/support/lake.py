"""A bucket, a Glue database and a table of interactions in an emulator, and what publish has to make of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.lake.catalog import Lake, glue_client
from tasks.lake.columns import arrow_rows
from tasks.lake.days import days_to_erase
from tasks.lake.iceberg.tables import INTERACTION_TABLES, LoadedTables
from tasks.lake.publishing.counts import PublishCounts
from tasks.lake.publishing.erasure import erase
from tasks.lake.publishing.publisher import Publisher
from tasks.lake.rows import rows_of
from tasks.lake.schema import Table
from tasks.records import InteractionRecord, build_record
from tasks.stores import InteractionTable, Provenance, dynamodb
from tasks.stores import s3 as object_store
from tasks.stores.staging import StagedConversation, StagingBucket, new_key
from tests.support.emulator import Emulator
from tests.support.samples import read_conversation

GRACE = timedelta(hours=24)
FETCHED = datetime(2026, 3, 4, 12, tzinfo=UTC)
FEW = tuple(
    table for table in INTERACTION_TABLES if table.name in {"conversations", "wrap_ups", "interactions"}
)
"""Tables that are enough where a test repeats a publish many times."""


class AnalyticsWorld:
    """What a worker has, and the conversations that were saved; `tables` are those that are published."""

    def __init__(
        self, aws: Emulator, tables: Sequence[Table] = INTERACTION_TABLES, *, versioned: bool = False
    ) -> None:
        self.name = f"lake-{uuid.uuid4().hex[:12]}"
        self.tables = tables
        self.s3 = object_store.client(4, aws)
        self.glue = glue_client(aws)
        self.dynamodb = dynamodb.client(4, aws)
        self.s3.create_bucket(Bucket=self.name)
        if versioned:
            self.s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        self.glue.create_database(DatabaseInput={"Name": self.name})
        self.dynamodb.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "interactionId", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "interactionId", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.staging = StagingBucket(self.s3, self.name)
        self.interactions = InteractionTable(self.dynamodb, self.name)
        self.lake = Lake(self.glue, self.s3, self.name, self.name)
        self._conversations: dict[tuple[str, str], Any] = {}

    def stage(
        self,
        interaction_id: str,
        sample: str = "voice",
        *,
        minute: int = 0,
        start: str | None = None,
        tag: str = "tag",
        forced: bool = False,
    ) -> InteractionRecord:
        """Put the object that a save, a forced one too, writes first; return the record that it would write then."""
        details = read_conversation(sample)
        details |= {"conversationId": interaction_id, "externalTag": f"{tag}-{minute}"}
        if start:
            details["conversationStart"] = start
        record = build_record(details, FETCHED + timedelta(minutes=minute))
        self._conversations[interaction_id, record.version] = details
        entry = StagedConversation(interaction_id, record.version, details)
        self.staging.put([entry], new_key(forced=forced))
        return record

    def write(self, record: InteractionRecord, *, force: bool = False) -> None:
        """Write the row, as the rest of a save does."""
        self.interactions.save(record, Provenance("run", 1), force=force)

    def save(self, interaction_id: str, sample: str = "voice", **how: Any) -> InteractionRecord:
        """Stage a conversation and write its row."""
        record = self.stage(interaction_id, sample, **how)
        self.write(record)
        return record

    def publisher(self, grace: timedelta = GRACE) -> Publisher:
        """Return a publisher, as a run has one."""
        return Publisher(self.lake, self.staging, self.interactions, grace, self.tables)

    def publish(self, grace: timedelta = GRACE) -> PublishCounts:
        """Publish all that is staged."""
        publisher, counts = self.publisher(grace), PublishCounts()
        for batch in publisher.batches():
            counts.add(publisher.publish(batch))
        return counts

    def load(self) -> LoadedTables:
        """Load the tables."""
        return LoadedTables.load(self.lake, self.tables)

    def erase(self, *interaction_ids: str, grace: timedelta = GRACE) -> None:
        """Erase as the flow does: tombstones, then what is staged, then the tables."""
        days = days_to_erase(map(self.interactions.get, interaction_ids))
        for interaction_id in interaction_ids:
            self.interactions.write_tombstone(interaction_id, "receipt")
        ids = frozenset(interaction_ids)
        self.staging.erase(ids, versioned=True)
        erase(self.lake, days, ids, grace, self.tables)

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return what a table says, in no order."""
        table = self.lake.existing(name)
        return [] if table is None else table.scan().to_arrow().to_pylist()

    def book(self) -> dict[str, dict[str, Any]]:
        """Return the rows of DynamoDB that hold a record, by id."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.name, ConsistentRead=True)
        ids = [item["interactionId"]["S"] for page in pages for item in page["Items"]]
        return {id_: row for id_, row in self.interactions.rows(ids).items() if "version" in row}

    def differences(self) -> list[str]:
        """Return how the tables differ from the rows of DynamoDB, one line for each table."""
        expected: dict[str, list[dict[str, Any]]] = {table.name: [] for table in self.tables}
        for id_, row in self.book().items():
            for name, rows in rows_of(row, self._conversations[id_, row["version"]]).items():
                if name in expected:
                    expected[name] += arrow_rows(name, rows).to_pylist()
        found = {name: _texts(self.rows(name)) for name in expected}
        return [
            f"{name}: {len(set(found[name]) ^ set(_texts(rows)))} rows differ of {len(rows)}, {len(found[name])} stand"
            for name, rows in expected.items()
            if found[name] != _texts(rows)
        ]

    def staged_keys(self) -> list[str]:
        """Return the keys of the objects that are staged."""
        return [staged.key for staged in self.staging.list()]


def new_id() -> str:
    """Return an interaction's id."""
    return str(uuid.uuid4())


def _texts(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)
