"""erase: tombstones first, then everything else that is stored of the interactions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from prefect import get_run_logger

from tasks.operations.subject import Found, Subject, find
from tasks.options import pipeline_task
from tasks.services import Services, get_lake, get_services, in_thread
from tasks.settings import TaskPolicy
from tasks.stores import ConversationBucket, PreviousItem

T = TypeVar("T")
TASK_SIZE = 100  # interactions of one task run


@dataclass(frozen=True)
class ErasureCounts:
    """What was found, or removed: numbers only."""

    records: int = 0
    placeholders: int = 0
    tombstones: int = 0
    nothing: int = 0
    objects: int = 0
    staged: int = 0
    rows: int = 0
    quarantined: int = 0

    def __add__(self, other: ErasureCounts) -> ErasureCounts:
        return ErasureCounts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @classmethod
    def of(cls, previous: Iterable[PreviousItem]) -> ErasureCounts:
        """Count what the table held of some interactions."""
        found = list(previous)
        return cls(
            found.count(PreviousItem.RECORD),
            found.count(PreviousItem.PLACEHOLDER),
            found.count(PreviousItem.TOMBSTONE),
            found.count(PreviousItem.NOTHING),
        )


def _table_scan(policy: TaskPolicy) -> float:
    """Return the seconds that reading a whole table may take: a megabyte takes some 50 ms."""
    return max(policy.task_timeout, 3600.0)


@pipeline_task(name="search", retries=5, first_delay=2, timeout=_table_scan)
async def search(subject: Subject) -> Found:
    """Return every interaction that is meant: those named, and all of the external contact and of the customer keys."""
    services = get_services()
    found = await in_thread(services.store_pool, lambda: find(services.interactions, subject))
    get_run_logger().info("found: %d interactions", len(found.interaction_ids))
    return found


@pipeline_task(name="open-receipt", retries=5, first_delay=2)
async def open_receipt(receipt_id: str, values: dict[str, Any]) -> None:
    """Write down that an erasure begins, with who asked, why and by what."""
    services, expires_at = get_services(), _expiry(get_services())
    await in_thread(services.store_pool, lambda: services.receipts.open(receipt_id, values, expires_at))


@pipeline_task(name="close-receipt", retries=5, first_delay=2)
async def close_receipt(receipt_id: str, name: str, counts: ErasureCounts) -> None:
    """Write down what a pass has erased: `firstPass` or `secondPass`."""
    services, found = get_services(), asdict(counts)
    await in_thread(services.store_pool, lambda: services.receipts.close(receipt_id, name, found))


@pipeline_task(name="write-tombstones", retries=5, first_delay=2)
async def write_tombstones(interaction_ids: list[str], receipt: str, *, dry_run: bool) -> ErasureCounts:
    """Write a tombstone for each interaction, stored or not; in a dry run only read."""
    services = get_services()
    table, expires_at = services.interactions, _expiry(services)

    def write(id_: str) -> PreviousItem:
        if dry_run:
            return PreviousItem.of(table.get(id_))
        return table.write_tombstone(id_, receipt, expires_at)

    return ErasureCounts.of(await _each(services, write, interaction_ids))


@pipeline_task(name="delete-conversations", retries=5, first_delay=2)
async def delete_conversations(interaction_ids: list[str], *, dry_run: bool) -> ErasureCounts:
    """Delete the objects that releases before 0.2 wrote, every version of them; when dry, only count."""
    services = get_services()
    bucket = services.conversations
    if bucket is None:
        return ErasureCounts()
    versioned = await _versioned(services, bucket)

    def delete(id_: str) -> int:
        if dry_run:
            return sum(1 for _ in (bucket.versions(id_) if versioned else bucket.keys(id_)))
        return bucket.erase(id_, versioned=versioned)

    return ErasureCounts(objects=sum(await _each(services, delete, interaction_ids)))


def _staging_scan(policy: TaskPolicy) -> float:
    """Return the seconds that reading every staged object may take: some 1,000 a second."""
    return max(policy.task_timeout, 3600.0)


@pipeline_task(name="erase-staged", retries=5, first_delay=2, timeout=_staging_scan)
async def erase_staged(interaction_ids: list[str], *, dry_run: bool) -> ErasureCounts:
    """Remove the interactions from every staged object, in one pass for all; when dry, only count the objects.

    After the tombstones: what is staged later is removed by the save whose write a tombstone refuses.
    """
    services = get_services()
    bucket, former, ids = services.staging, services.conversations, frozenset(interaction_ids)
    if bucket is None or former is None or not ids:
        return ErasureCounts()
    if dry_run:
        return ErasureCounts(staged=await in_thread(services.store_pool, partial(bucket.holding, ids)))
    versioned = await _versioned(services, former)
    erase = partial(bucket.erase, ids, versioned=versioned)
    return ErasureCounts(staged=await in_thread(services.store_pool, erase))


@pipeline_task(name="erase-rows", retries=5, first_delay=2, timeout=_table_scan)
async def erase_rows(interaction_ids: list[str], *, dry_run: bool) -> ErasureCounts:
    """Delete the interactions' rows in the analytics tables, with every file that held them; when dry, only count.

    After the tombstones: what a publish has read before them cannot be committed any more.
    """
    services = get_services()
    config = services.settings
    if not (interaction_ids and config.analytics_database and config.conversation_bucket):
        return ErasureCounts()

    def work() -> int:
        lake = get_lake()
        from tasks.lake.days import days_to_erase  # noqa: PLC0415 - of an extra
        from tasks.lake.publishing import erasure  # noqa: PLC0415 - of an extra

        rows = services.interactions.rows(interaction_ids)
        days = days_to_erase(rows.get(id_) for id_ in interaction_ids)
        if dry_run:
            return erasure.count(lake, days, interaction_ids)
        return erasure.erase(lake, days, interaction_ids, timedelta(seconds=config.staging_grace))

    return ErasureCounts(rows=await in_thread(services.store_pool, work))


@pipeline_task(name="delete-quarantined", retries=5, first_delay=2, timeout=_table_scan)
async def delete_quarantined(interaction_ids: list[str], *, dry_run: bool) -> ErasureCounts:
    """Delete every quarantine row that mentions one of the interactions; when dry, only count."""
    services = get_services()
    wanted = frozenset(interaction_ids)
    if not wanted:
        return ErasureCounts()
    table = services.quarantine
    keys = await in_thread(services.store_pool, lambda: list(table.mentioning(wanted)))
    if not dry_run:
        await _each(services, table.remove, keys)
    return ErasureCounts(quarantined=len(keys))


@pipeline_task(name="read-backup-settings", retries=0, first_delay=0)
async def backups() -> dict[str, str]:
    """Return the bucket's versioning and the tables' backup periods; `unknown` without the permission."""
    services = get_services()
    found = {"versioning": "no bucket"}
    if services.conversations is not None:
        found["versioning"] = await in_thread(services.store_pool, services.conversations.versioning)
    for name, table in (("interactions", services.interactions), ("quarantine", services.quarantine)):
        found[f"{name} backups"] = await in_thread(services.store_pool, table.backup_period)
    return found


async def _versioned(services: Services, bucket: ConversationBucket) -> bool:
    """Return whether the bucket keeps, or has kept, versions of its objects."""
    return await in_thread(services.store_pool, bucket.versioning) in ("enabled", "suspended")


async def _each(services: Services, call: Callable[[str], T], items: Sequence[str]) -> list[T]:
    """Call for each item, side by side; not under `store-writes`: erasures are few, and have their own queue."""
    calls = (in_thread(services.store_pool, partial(call, item)) for item in items)
    return list(await asyncio.gather(*calls))


def _expiry(services: Services) -> int | None:
    days = services.settings.tombstone_days
    return int((datetime.now(UTC) + timedelta(days=days)).timestamp()) if days else None
