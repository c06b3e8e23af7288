"""The composition root: everything that lives as long as the worker process, put together once."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from httpx import HTTPError
from pydantic import ValidationError

from tasks.concurrency import (
    GENESYS_REQUESTS,
    GENESYS_REQUESTS_BACKGROUND,
    STORE_WRITES,
    LeasePool,
    PrefectLimits,
)
from tasks.errors import AnalyticsNotInstalled, BadSettings, DependencyUnavailable
from tasks.genesys import GenesysClient, InvalidHost, RateLimiter
from tasks.operations.health_table import HealthTable
from tasks.operations.receipts import ReceiptTable
from tasks.pipeline.directory import Directory
from tasks.pipeline.name_requests import NameRequests
from tasks.pipeline.work import Priority
from tasks.records.customer_keys import CustomerKeys
from tasks.settings import BlockNames, Settings, settings, task_policy
from tasks.stores import (
    ConversationBucket,
    DirectoryTable,
    InteractionTable,
    QuarantineTable,
    StagingBucket,
    dynamodb,
    s3,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tasks.lake.catalog import Lake

FETCH_THREADS = 16  # most requests to Genesys at once from one process; the request limit is the real bound

T = TypeVar("T")


@dataclass(frozen=True)
class Services:
    """The settings, clients, tables and thread pools of one worker process."""

    settings: Settings
    limits: PrefectLimits
    rate_limiters: dict[Priority, RateLimiter]
    genesys: dict[Priority, GenesysClient]
    interactions: InteractionTable
    receipts: ReceiptTable
    quarantine: QuarantineTable
    health: HealthTable | None
    conversations: ConversationBucket | None
    """The objects of releases before 0.2; nothing writes them."""
    staging: StagingBucket | None
    directory: Directory | None
    fetch_pool: ThreadPoolExecutor
    store_pool: ThreadPoolExecutor
    write_leases: LeasePool


async def in_thread(pool: Executor, call: Callable[[], T]) -> T:
    """Run a blocking call in one of the pools, with the run's logging context."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(pool, lambda: context.run(call))


@lru_cache(maxsize=1)
def get_services() -> Services:
    """Return the process's services, made at first use.

    Raises BadSettings, which names each variable at fault, and DependencyUnavailable when Prefect does not answer
    and a setting names a block.
    """
    try:
        return _compose()
    except HTTPError as error:
        raise DependencyUnavailable(f"Prefect does not return a block ({type(error).__name__})") from None
    except (ValidationError, InvalidHost) as error:
        raise BadSettings(f"the worker's settings are wrong, correct them and restart it: {error}") from None


@lru_cache(maxsize=1)
def get_lake() -> Lake:
    """Return the process's analytics tables, made at first use: only who publishes or erases needs the extra.

    Raises AnalyticsNotInstalled, BadSettings without ANALYTICS_DATABASE or CONVERSATION_BUCKET, and what
    `get_services` raises.
    """
    config, aws, aws_for_bucket = _environment()
    if not (config.analytics_database and config.conversation_bucket):
        raise BadSettings("ANALYTICS_DATABASE and CONVERSATION_BUCKET are both needed for the tables")
    try:
        from tasks.lake.catalog import Lake, glue_client  # noqa: PLC0415 - of an extra
    except ModuleNotFoundError as error:
        raise AnalyticsNotInstalled(
            f"{str(error.name).split('.')[0]} is not installed on this worker: pip install '.[analytics]'"
        ) from None
    objects = s3.client(config.store_concurrency, aws_for_bucket)
    return Lake(glue_client(aws), objects, config.conversation_bucket, config.analytics_database)


def _compose() -> Services:
    config, aws, aws_for_bucket = _environment()
    _check_grace(config)
    limits = PrefectLimits(config.limit_cache)
    database = dynamodb.client(config.store_concurrency, aws)
    objects, bucket = s3.client(config.store_concurrency, aws_for_bucket), config.conversation_bucket
    live_limiter = RateLimiter.from_settings(config, lambda: limits.value(GENESYS_REQUESTS), database)
    background_limiter = live_limiter.background(lambda: limits.value(GENESYS_REQUESTS_BACKGROUND))
    live = GenesysClient.from_settings(config, live_limiter)
    background = live.with_limiter(background_limiter)
    return Services(
        settings=config,
        limits=limits,
        rate_limiters={"live": live_limiter, "background": background_limiter},
        genesys={"live": live, "background": background},
        interactions=InteractionTable(
            database, config.interaction_table, retention_days=config.retention_days, keys=_keys(config)
        ),
        receipts=ReceiptTable(database, config.interaction_table),
        quarantine=QuarantineTable(database, config.quarantine_table, days=config.quarantine_days),
        health=HealthTable(database, config.budget_table) if config.budget_table else None,
        conversations=ConversationBucket(objects, bucket) if bucket else None,
        staging=StagingBucket(objects, bucket) if bucket else None,
        directory=_directory(config, database, background),
        fetch_pool=ThreadPoolExecutor(FETCH_THREADS, "fetch"),
        store_pool=ThreadPoolExecutor(config.store_concurrency, "store"),
        write_leases=LeasePool(
            STORE_WRITES, at_once=config.chunks_written, longest_use=task_policy().task_timeout
        ),
    )


def _keys(config: Settings) -> CustomerKeys | None:
    secret = config.customer_keys_secret
    return CustomerKeys(secret) if secret else None


def _check_grace(config: Settings) -> None:
    """Raise BadSettings for a grace in which a save may still be at work: publish would drop what it has staged."""
    least = (
        2 * task_policy().task_timeout
    )  # a save uses an object for half of the grace, at the beginning of an attempt
    if config.staging_grace < least:
        raise BadSettings(
            f"STAGING_GRACE must be at least twice TASK_TIMEOUT, {least:.0f} seconds: correct it"
        )


def _environment() -> tuple[Settings, Any, Any]:
    """Return the settings and what makes AWS clients, for the tables and for the bucket; from blocks where named."""
    names = BlockNames()
    if not names.any:
        return settings(), boto3, boto3
    from tasks import blocks  # noqa: PLC0415 - heavy to import, and most have no block

    return blocks.configured(names), blocks.aws(names), blocks.aws_for_bucket(names)


def _directory(config: Settings, database: DynamoDBClient, genesys: GenesysClient) -> Directory | None:
    """Return the directory of names, whose requests are background work whatever they are for."""
    if not config.directory_table:
        return None
    return Directory(DirectoryTable(database, config.directory_table), NameRequests(genesys, config), config)
