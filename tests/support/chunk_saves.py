"""process and save of chunks, on stores of a test's own, without flows, a Prefect server and Genesys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from tasks.genesys import ConversationBatch
from tasks.pipeline.chunk_write import ChunkWrite
from tasks.pipeline.work import Chunk, InteractionWork, PipelineRun
from tasks.process import fetch_chunk
from tasks.save import write_chunk
from tasks.settings import Settings
from tasks.stores import InteractionTable, QuarantineTable, StagingBucket

START = datetime(2026, 1, 15, 10, tzinfo=UTC)
_REQUIRED = ("genesys_client_id", "genesys_client_secret", "interaction_table", "quarantine_table")


class _FreeSlots:
    """A limit and its slots, which are always free."""

    def value(self, _: str) -> int:
        """Return the limit."""
        return 1

    @asynccontextmanager
    async def slot(self, _: int) -> AsyncIterator[None]:
        """Hold a slot."""
        yield


class ChunkSaves:
    """The stores, by the clients and names of a test; one thread, so that calls come one after the other."""

    def __init__(
        self,
        dynamodb: Any,
        s3: Any,
        bucket: str,
        *,
        interaction_table: str = "interactions",
        quarantine_table: str = "quarantine",
        **settings: Any,
    ) -> None:
        self.interactions = InteractionTable(dynamodb, interaction_table)
        self.staging = StagingBucket(s3, bucket)
        self.services: Any = SimpleNamespace(
            settings=Settings.model_validate(dict.fromkeys(_REQUIRED, "x") | settings),
            interactions=self.interactions,
            quarantine=QuarantineTable(dynamodb, quarantine_table, days=1),
            staging=self.staging,
            directory=None,
            limits=_FreeSlots(),
            write_leases=_FreeSlots(),
            store_pool=ThreadPoolExecutor(1, "store"),
        )

    def processed(
        self, conversations: Mapping[str, dict[str, Any]], run: PipelineRun, second: int = 0
    ) -> ChunkWrite:
        """Return a chunk of these conversations, by id, as Genesys answers them at a second of its clock."""
        dates = dict.fromkeys(conversations, START + timedelta(seconds=second))
        batch = ConversationBatch(dict(conversations), frozenset(), {}, dates, 1)
        works = [InteractionWork.requested(id_, "replay", "replay:1") for id_ in conversations]
        return ChunkWrite(fetch_chunk(self.services, Chunk(works, batch), run))

    def write(self, write: ChunkWrite, run: PipelineRun) -> None:
        """Write what is left of a chunk."""
        asyncio.run(write_chunk(self.services, write, run))

    def save(
        self, conversations: Mapping[str, dict[str, Any]], run: PipelineRun, second: int = 0
    ) -> ChunkWrite:
        """Take conversations through process and save."""
        write = self.processed(conversations, run, second)
        self.write(write, run)
        return write

    def staged(self, interaction_id: str) -> list[str]:
        """Return the keys of the staged objects that hold an interaction, the oldest first."""
        keys = (staged.key for staged in self.staging.list())
        return [key for key in keys if self.staging.find(interaction_id, key)]
