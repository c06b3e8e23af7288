"""The three steps as durable workflows of DBOS: enqueued first, then run by this process."""

from __future__ import annotations

import os

from dbos import DBOS, DBOSConfig

from tasks.records import InteractionRecord
from tasks.values import chunked
from tests.benchmarks.competitor_process import serve_bursts
from tests.benchmarks.work import Work

_WORKFLOWS_AT_ONCE = {"event": 16, "batch": 5}
_BATCH = {"event": 1, "batch": 100}
work = Work()


@DBOS.step()
def validate(texts: list[str]) -> list[str]:
    """Return the interactions of some events."""
    return [event.interaction_id for event in work.validate(texts)]


@DBOS.step()
def fetch(ids: list[str]) -> list[InteractionRecord]:
    """Return their records, which the next step stores."""
    return work.records(ids)


@DBOS.step()
def save(records: list[InteractionRecord]) -> int:
    """Write each record conditionally."""
    work.save_records(records, "dbos")
    return len(records)


@DBOS.workflow()
def process(texts: list[str]) -> int:
    """Validate, fetch, save."""
    return save(fetch(validate(texts)))


def main() -> None:
    """Serve bursts."""
    grain = os.environ["BENCHMARK_GRAIN"]
    config: DBOSConfig = {
        "name": "benchmark",
        "system_database_url": os.environ["BENCHMARK_DATABASE"],
        "log_level": "WARNING",
    }
    DBOS(config=config)
    DBOS.launch()
    queue = DBOS.register_queue(
        "events", worker_concurrency=_WORKFLOWS_AT_ONCE[grain], polling_interval_sec=0.05
    )

    def burst(texts: list[str]) -> None:
        handles = [queue.enqueue(process, list(part)) for part in chunked(texts, _BATCH[grain])]
        for handle in handles:
            handle.get_result()

    serve_bursts(burst)
    DBOS.destroy()


if __name__ == "__main__":
    main()
