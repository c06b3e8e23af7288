"""The three steps of every competitor but the pipeline: validate, fetch, save, without orchestration.

They are the product's own code (client, records, conditional write), so that only the orchestration differs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from deployments.worker.threads import take_longer_turns
from tasks.events import InteractionEvent, parse
from tasks.genesys import (
    ConversationBatch,
    DynamoWindowStore,
    GenesysClient,
    MemoryWindowStore,
    RateLimiter,
    SharedWindow,
)
from tasks.records import InteractionRecord, build_record
from tasks.records.customer_keys import CustomerKeys
from tasks.settings import Settings
from tasks.stores import (
    InteractionTable,
    NewRow,
    Provenance,
    QuarantineTable,
    StagedConversation,
    StagingBucket,
    dynamodb,
    s3,
)
from tasks.stores.batch_insert import STATEMENTS
from tasks.values import chunked

REQUEST_LIMIT = "BENCHMARK_REQUEST_LIMIT"
"""Variable: requests to Genesys in any 60 s. The pipeline reads Prefect's limit instead."""
WINDOW_STORE = "BENCHMARK_WINDOW_STORE"
"""Variable: `table` when several processes share the limit, otherwise requests are counted in memory."""


class Work:
    """The clients of a process."""

    def __init__(self) -> None:
        take_longer_turns()  # as the worker
        config = Settings()
        self._database = dynamodb.client(config.store_concurrency)
        secret = config.customer_keys_secret
        keys = CustomerKeys(secret) if secret else None
        self._table = InteractionTable(self._database, config.interaction_table, keys=keys)
        self._quarantine = QuarantineTable(self._database, config.quarantine_table, days=1)
        bucket = config.conversation_bucket
        self._staging = StagingBucket(s3.client(config.store_concurrency), bucket) if bucket else None
        self._genesys = GenesysClient.from_settings(config, self._rate_limiter(config))
        self._saving = ThreadPoolExecutor(config.store_concurrency, "save")

    def validate(self, texts: Sequence[str]) -> list[InteractionEvent]:
        """Return the events; raises ValueError for an invalid one, which a benchmark has not."""
        found = [each for text in texts for each in parse(text)]
        events = [each for each in found if isinstance(each, InteractionEvent)]
        if len(events) != len(found):
            raise ValueError(f"{len(found) - len(events)} events were rejected")
        return events

    def fetch(self, events: Sequence[InteractionEvent]) -> ConversationBatch:
        """Return their conversations, fetched with one request per hundred."""
        return self._genesys.get_conversations([event.interaction_id for event in events])

    def save(self, fetch: ConversationBatch, run: str) -> None:
        """Stage the conversations if there is a bucket, then write the records conditionally."""
        records = _records(fetch)
        staged = None
        if self._staging:
            found = fetch.conversations
            staged = self._staging.put(
                [
                    StagedConversation(each.interaction_id, each.version, found[each.interaction_id])
                    for each in records
                ]
            )
        self.save_records(records, run, staged)

    def look_up(self, interaction_id: str) -> None:
        """Read what the pipeline reads before it fetches an interaction."""
        self._table.lookup([interaction_id])
        self._quarantine.failed_among([interaction_id])

    def records(self, ids: Sequence[str]) -> list[InteractionRecord]:
        """Return the records of some interactions."""
        return _records(self._genesys.get_conversations(ids))

    def save_records(self, records: Sequence[InteractionRecord], run: str, staged: str | None = None) -> None:
        """Write records conditionally, in parallel and in batches as large as the pipeline's."""
        list(self._saving.map(lambda part: self.write(part, run, staged), chunked(records, STATEMENTS)))

    def write(self, records: Sequence[InteractionRecord], run: str, staged: str | None = None) -> None:
        """Insert new rows in one call; save each other row by itself."""
        provenance = Provenance(flow_run_id=run, attempt=1, staged=staged)
        inserted = self._table.insert([NewRow(record, provenance) for record in records])
        for record in records:
            if record.interaction_id not in inserted:
                self._table.save(record, provenance)

    def _rate_limiter(self, config: Settings) -> RateLimiter:
        limit = int(os.environ[REQUEST_LIMIT])
        shared = os.environ.get(WINDOW_STORE) == "table"
        store = DynamoWindowStore(self._database, config.budget_table) if shared else MemoryWindowStore()
        window = SharedWindow(store, config.budget_window, config.budget_margin)
        return RateLimiter(window, lambda: limit, max_wait=3600)


def _records(fetch: ConversationBatch) -> list[InteractionRecord]:
    return [build_record(found, fetch.dates[id_]) for id_, found in fetch.conversations.items()]
