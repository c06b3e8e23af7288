"""The three steps as every competitor but the pipeline takes them: validate, fetch, save, with no orchestration.

All of it is the product's own code (client, records, conditional write), so that orchestration is what differs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tasks.events import InteractionEvent, parse
from tasks.genesys import DynamoLedger, Fetch, GenesysClient, MemoryLedger, SharedBudget, Tally
from tasks.records import InteractionRecord, build_record
from tasks.settings import Settings
from tasks.stores import (
    ConversationArchive,
    InteractionTable,
    NewRow,
    Provenance,
    QuarantineTable,
    archive,
    dynamodb,
)
from tasks.stores.inserts import STATEMENTS
from tests.benchmarks.events import parts

ALLOWANCE = "BENCHMARK_ALLOWANCE"
"""Variable: requests to Genesys in any 60 s. The pipeline reads Prefect's limit instead."""
LEDGER = "BENCHMARK_LEDGER"
"""Variable: `table` when several processes share the allowance, otherwise it is counted in this one's memory."""


class Work:
    """Clients that live as long as the process."""

    def __init__(self) -> None:
        config = Settings()
        self._database = dynamodb.client(config.store_concurrency)
        self._table = InteractionTable(self._database, config.interaction_table)
        self._quarantine = QuarantineTable(self._database, config.quarantine_table, days=1)
        bucket = config.conversation_bucket
        self._archive = (
            ConversationArchive(archive.client(config.store_concurrency), bucket) if bucket else None
        )
        self._genesys = GenesysClient.from_settings(config, self._budget(config))
        self._saving = ThreadPoolExecutor(config.store_concurrency, "save")

    def validate(self, texts: Sequence[str]) -> list[InteractionEvent]:
        """The events; an invalid one is an error, for there is none in a benchmark."""
        found = [each for text in texts for each in parse(text)]
        events = [each for each in found if isinstance(each, InteractionEvent)]
        if len(events) != len(found):
            raise ValueError(f"{len(found) - len(events)} events were refused")
        return events

    def fetch(self, events: Sequence[InteractionEvent]) -> Fetch:
        """Their conversations, with one request for each hundred."""
        return self._genesys.get_conversations([event.interaction_id for event in events])

    def save(self, fetch: Fetch, run: str) -> None:
        """The conditional writes; the whole conversations after them when a bucket is set."""
        self.save_records(_records(fetch), run)
        if store := self._archive:
            list(self._saving.map(lambda each: store.put(*each), fetch.conversations.items()))

    def look_up(self, interaction_id: str) -> None:
        """What the pipeline reads of an interaction before it asks Genesys."""
        self._table.lookup([interaction_id])
        self._quarantine.failed_among([interaction_id])

    def records(self, ids: Sequence[str]) -> list[InteractionRecord]:
        """The records of some interactions, as a step hands them on."""
        return _records(self._genesys.get_conversations(ids))

    def save_records(self, records: Sequence[InteractionRecord], run: str) -> None:
        """One conditional write for each, as many in a round trip as the pipeline's, side by side."""
        list(self._saving.map(lambda part: self.write(part, run), parts(records, STATEMENTS)))

    def write(self, records: Sequence[InteractionRecord], run: str) -> None:
        """New rows at once, any other by itself."""
        provenance = Provenance(flow_run_id=run, attempt=1)
        inserted = self._table.insert([NewRow(record, provenance) for record in records])
        for record in records:
            if record.interaction_id not in inserted:
                self._table.save(record, provenance)

    def _budget(self, config: Settings) -> SharedBudget:
        allowance = int(os.environ[ALLOWANCE])
        shared = os.environ.get(LEDGER) == "table"
        ledger = DynamoLedger(self._database, config.budget_table) if shared else MemoryLedger()
        tally = Tally(ledger, config.budget_window + config.budget_margin)
        return SharedBudget(tally, lambda: allowance, max_wait=3600)


def _records(fetch: Fetch) -> list[InteractionRecord]:
    return [build_record(found, fetch.dates[id_]) for id_, found in fetch.conversations.items()]
