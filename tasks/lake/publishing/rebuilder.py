"""Back-fill: the rows of past days made anew from table `conversations` and the rows of DynamoDB."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tasks.lake.catalog import Lake
from tasks.lake.errors import LakeConflict
from tasks.lake.iceberg.commits import changing
from tasks.lake.iceberg.data_files import ID, files_of, rows_in
from tasks.lake.iceberg.tables import INTERACTION_TABLES, LoadedTables
from tasks.lake.publishing.batch import Batch
from tasks.lake.publishing.counts import PublishCounts
from tasks.lake.publishing.publisher import ATTEMPTS, SIZE, Rows
from tasks.lake.schema import TABLES, Table

_ROWS = 100  # of DynamoDB, read at once, with as many conversations unpacked


class Rebuilder:
    """Rebuilds days, one after another. Methods raise LakeConflict and StoreUnavailable."""

    def __init__(self, lake: Lake, interactions: Rows, tables: Sequence[Table] = INTERACTION_TABLES) -> None:
        self._lake = lake
        self._interactions = interactions
        self._declared = [table for table in tables if table.name != "conversations"]

    def days(self, start: date, end: date) -> list[date]:
        """Return the days from `start` to `end`, both included, of which a conversation is known."""
        conversations = self._lake.open(TABLES["conversations"])
        wanted = [start + timedelta(days=number) for number in range((end - start).days + 1)]
        with changing(conversations):
            return [day for day in wanted if files_of(conversations, [day])]

    def rebuild(self, day: date) -> PublishCounts:
        """Rebuild a day in every table but `conversations`; begin anew when others have committed.

        An interaction whose row is not of its conversation's version is left as it is: what is staged of it will be
        published.
        """
        for conflicts in range(ATTEMPTS):
            try:
                counts = self._rebuild(day)
            except LakeConflict:
                continue
            counts.conflicts = conflicts
            return counts
        raise LakeConflict(f"others have committed to the tables {ATTEMPTS} times meanwhile")

    def _rebuild(self, day: date) -> PublishCounts:
        counts, batch = PublishCounts(), Batch()
        conversations = self._lake.open(TABLES["conversations"])
        tables = LoadedTables.load(self._lake, self._declared)  # before any row is read
        with changing(conversations):
            for file in files_of(conversations, [day]):
                for part in rows_in(conversations, file).to_batches(max_chunksize=_ROWS):
                    self._take(part, batch)
                if batch.size > SIZE:
                    counts.add(_replaced(tables, batch))
                    batch = Batch()
            counts.add(_replaced(tables, batch))
        return counts

    def _take(self, conversations: pa.RecordBatch, batch: Batch) -> None:
        """Put the interactions into the batch whose row is of the version of their conversation."""
        found = conversations.to_pylist()
        rows = self._interactions.rows([each[ID] for each in found])
        pairs: list[tuple[Mapping[str, Any], Any]] = []
        for each in found:
            row = rows.get(each[ID], {})
            if row.get("version") == each["version"]:
                pairs.append((row, json.loads(each["body"], parse_float=Decimal)))
        batch.add(pairs, without=("conversations",))


def _replaced(tables: LoadedTables, batch: Batch) -> PublishCounts:
    rows = tables.replace(batch.days, batch.ids, batch.rows())
    return PublishCounts(published=len(batch.ids), rows=rows, days=batch.days)
