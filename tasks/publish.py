"""list-staged, publish-batch, publish-names, keep-up-tables, list-days, rebuild-day: the analytics tables.

What they call needs the extra `analytics`, and is imported when they run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, TypeVar

from prefect import get_run_logger

from tasks.options import pipeline_task
from tasks.services import get_lake, get_services, in_thread
from tasks.settings import TaskPolicy
from tasks.stores.staging import StagedObject, StagingBucket

if TYPE_CHECKING:
    from tasks.lake.publishing.counts import PublishCounts
    from tasks.lake.publishing.publisher import Publisher
    from tasks.lake.publishing.rebuilder import Rebuilder
    from tasks.lake.publishing.upkeep import UpkeepCounts

T = TypeVar("T")


def _long(policy: TaskPolicy) -> float:
    """Return the seconds that one batch or one day may take: the largest files are rewritten one after another."""
    return max(policy.task_timeout, 3600.0)


@pipeline_task(name="list-staged", retries=3, first_delay=5)
async def list_staged() -> list[list[StagedObject]]:
    """Return all staged objects, the oldest first, in batches. Raises StoreUnavailable (retried by the task)."""
    return await _in_thread(lambda: _publisher().batches())


@pipeline_task(name="publish-batch", retries=5, first_delay=2, timeout=_long)
async def publish_batch(staged: Sequence[StagedObject]) -> PublishCounts:
    """Publish what these objects hold. Raises LakeConflict and StoreUnavailable (retried by the task)."""
    counts = await _in_thread(lambda: _publisher().publish(staged))
    get_run_logger().info(
        "published %d, dropped %d, waiting %d; began anew %d times",
        counts.published,
        counts.dropped,
        counts.waiting,
        counts.conflicts,
    )
    return counts


@pipeline_task(name="publish-names", retries=3, first_delay=5)
async def publish_names() -> dict[str, int]:
    """Make the tables of names say what the directory says; return the rows of those that have changed."""
    directory = get_services().directory
    if directory is None:
        return {}

    def replace() -> dict[str, int]:
        lake = get_lake()
        from tasks.lake.publishing.reference_tables import replace_names  # noqa: PLC0415 - of an extra

        return replace_names(lake, directory.entries())

    return await _in_thread(replace)


@pipeline_task(name="keep-up-tables", retries=3, first_delay=5, timeout=_long)
async def keep_up_tables(days: Sequence[date | None]) -> UpkeepCounts:
    """Merge the files of days, delete old snapshots and what has expired."""

    def work() -> UpkeepCounts:
        lake = get_lake()
        from tasks.lake.publishing.upkeep import keep_up  # noqa: PLC0415 - of an extra

        kept = get_services().settings.conversation_days
        return keep_up(lake, days, _grace(), timedelta(days=kept) if kept else None)

    return await _in_thread(work)


@pipeline_task(name="list-days", retries=3, first_delay=5)
async def list_days(start: date, end: date) -> list[date]:
    """Return the days of an interval, both ends included, of which the tables have a conversation."""
    return await _in_thread(lambda: _rebuilder().days(start, end))


@pipeline_task(name="rebuild-day", retries=5, first_delay=2, timeout=_long)
async def rebuild_day(day: date) -> PublishCounts:
    """Rebuild a day from its conversations. Raises LakeConflict and StoreUnavailable (retried by the task)."""
    return await _in_thread(lambda: _rebuilder().rebuild(day))


async def _in_thread(call: Callable[[], T]) -> T:
    return await in_thread(get_services().store_pool, call)


def _publisher() -> Publisher:
    lake = get_lake()
    from tasks.lake.publishing.publisher import Publisher  # noqa: PLC0415 - of an extra

    return Publisher(lake, StagingBucket(lake.s3, lake.bucket), get_services().interactions, _grace())


def _rebuilder() -> Rebuilder:
    lake = get_lake()
    from tasks.lake.publishing.rebuilder import Rebuilder  # noqa: PLC0415 - of an extra

    return Rebuilder(lake, get_services().interactions)


def _grace() -> timedelta:
    return timedelta(seconds=get_services().settings.staging_grace)
