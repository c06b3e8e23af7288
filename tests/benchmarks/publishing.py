"""Publish staged interactions into the analytics tables, then ask them: `python -m tests.benchmarks.publishing`.

The interactions are the simulator's, so many a day. A process of its own publishes each number of them, all staged
at once, as after an outage; its peak is that of the process, its imports included.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cyclopts import App
from rich.console import Console
from rich.progress import track
from rich.table import Table

from deployments.sandbox.genesys.conversations.details import conversation
from tasks.lake.asking.query import Asker
from tasks.lake.catalog import Lake, glue_client
from tasks.lake.publishing.counts import PublishCounts
from tasks.lake.publishing.publisher import Publisher
from tasks.lake.views import views
from tasks.records import build_record
from tasks.stores import (
    InteractionTable,
    NewRow,
    Provenance,
    StagedConversation,
    StagingBucket,
    dynamodb,
    s3,
)
from tasks.values import chunked, epoch_milliseconds
from tests.benchmarks.tables import WIDTH
from tests.support.emulator import Emulator, create_table, running_emulator

NAME = "publishing"  # of the bucket, the database and the table
CHUNK = 100  # conversations of a staged object, as save writes them
BEGINNING = datetime(2026, 3, 2, tzinfo=UTC)
FETCHED = datetime(2026, 6, 1, tzinfo=UTC)
GRACE = timedelta(hours=24)
QUESTION = "select media_type, count(*), median(duration_ms) from interactions group by 1"
app = App(name="publishing", help=__doc__)


@dataclass(frozen=True)
class PublishFigures:
    """What publishing took, in seconds and megabytes."""

    published: int
    sessions: int
    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Stand:
    """A bucket, a Glue database and a table of interactions in an emulator."""

    url: str

    def lake(self) -> Lake:
        """Return the tables, as a worker has them."""
        aws = Emulator(self.url)
        return Lake(glue_client(aws), s3.client(4, aws), NAME, NAME)

    def interactions(self) -> InteractionTable:
        """Return the table of records."""
        return InteractionTable(dynamodb.client(4, Emulator(self.url)), NAME)

    def create(self) -> None:
        """Create them."""
        aws = Emulator(self.url)
        aws.client("s3").create_bucket(Bucket=NAME)
        aws.client("glue").create_database(DatabaseInput={"Name": NAME})
        create_table(aws.client("dynamodb"), NAME, "interactionId")

    def save(self, count: int, per_day: int) -> None:
        """Stage conversations and write their rows, as save does."""
        staging, table = StagingBucket(s3.client(4, Emulator(self.url)), NAME), self.interactions()
        for numbers in track(list(chunked(range(count), CHUNK)), f"saving {count:,}", transient=True):
            found = [_conversation(number, per_day) for number in numbers]
            records = [build_record(each, FETCHED) for each in found]
            key = staging.put(
                [
                    StagedConversation(record.interaction_id, record.version, each)
                    for record, each in zip(records, found, strict=True)
                ]
            )
            table.insert([NewRow(record, Provenance("run", 1, staged=key)) for record in records])


@app.default
def measure(*, interactions: str = "10000,100000", per_day: int = 10_000) -> None:
    """Measure.

    Args:
        interactions: How many are published, each number into tables of its own.
        per_day: How many of them start on one day, which is one partition.
    """
    console = Console(width=WIDTH)
    table = Table(title="publish, then a question over all of it")
    for heading in ("interactions", "sessions", "publish s", "of CPU", "peak MB", "a second", "question s"):
        table.add_column(heading, justify="right")
    for count in map(int, interactions.split(",")):
        with tempfile.TemporaryDirectory() as folder, running_emulator(Path(folder)) as aws:
            table.add_row(*_row(Stand(aws.url), count, per_day))
    console.print(table)


def _row(stand: Stand, count: int, per_day: int) -> list[str]:
    stand.create()
    stand.save(count, per_day)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        figures = process.submit(publish, stand.url).result()
    if figures.published != count:
        raise RuntimeError(f"{figures.published} of {count} were published")
    return [
        f"{count:,}",
        f"{figures.sessions:,}",
        f"{figures.seconds:.1f}",
        f"{figures.cpu_seconds:.1f}",
        f"{figures.peak_mb:.0f}",
        f"{count / figures.seconds:.0f}",
        f"{_question(stand):.2f}",
    ]


def publish(url: str) -> PublishFigures:
    """Publish all that is staged, in this process."""
    stand, counts = Stand(url), PublishCounts()
    lake = stand.lake()
    publisher = Publisher(lake, StagingBucket(lake.s3, lake.bucket), stand.interactions(), GRACE)
    began, cpu = time.perf_counter(), time.process_time()
    for batch in publisher.batches():
        counts.add(publisher.publish(batch))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return PublishFigures(counts.published, counts.rows["sessions"], seconds, cpu_seconds, peak)


def _question(stand: Stand) -> float:
    """Return the seconds of the second of two same questions: the first imports and plans, too."""
    asker = Asker(stand.lake().existing, views(20))
    for _ in range(2):
        began = time.perf_counter()
        rows = list(asker.ask(QUESTION).rows())
    if not rows:
        raise RuntimeError("the question has no answer")
    return time.perf_counter() - began


def _conversation(number: int, per_day: int) -> dict[str, object]:
    start = BEGINNING + timedelta(days=1) * number / per_day
    found, _ = conversation(f"{number:08x}-0000-4000-8000-{number:012x}", epoch_milliseconds(start))
    return found


if __name__ == "__main__":
    sys.exit(app())
