"""The composition root: everything that lives as long as the worker process, put together once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import boto3
from pydantic import ValidationError

from tasks.errors import NotReady
from tasks.genesys import GenesysClient, InvalidHost, SharedBudget
from tasks.limits import GENESYS_REQUESTS, GENESYS_REQUESTS_BACKGROUND, STORE_WRITES, PrefectLimits
from tasks.settings import BlockNames, Settings, settings, task_policy
from tasks.slots import Slots
from tasks.stores import ConversationArchive, InteractionTable, QuarantineTable, archive, dynamodb

Lane = Literal["live", "background"]
FETCH_THREADS = 16  # most requests to Genesys at once from one process; its budget is the real bound


@dataclass(frozen=True)
class Services:
    """What the tasks work with."""

    settings: Settings
    limits: PrefectLimits
    budgets: dict[Lane, SharedBudget]
    genesys: dict[Lane, GenesysClient]
    interactions: InteractionTable
    quarantine: QuarantineTable
    archive: ConversationArchive | None
    fetching: ThreadPoolExecutor
    storing: ThreadPoolExecutor
    write_slots: Slots


class BadSettings(NotReady):
    """This worker's environment is wrong: its runs go back until a worker with a right one takes them."""

    code = "bad-settings"


@lru_cache(maxsize=1)
def services() -> Services:
    """The process's services; made at first use. Raises BadSettings, which names each variable at fault."""
    try:
        return _services()
    except (ValidationError, InvalidHost) as error:
        raise BadSettings(f"the worker's settings are wrong, mend them and start it again: {error}") from None


def _services() -> Services:
    config, aws, aws_for_bucket = _environment()
    limits = PrefectLimits(config.limit_cache)
    database = dynamodb.client(config.store_concurrency, aws)
    bucket = config.conversation_bucket
    budget = SharedBudget.from_settings(config, lambda: limits.value(GENESYS_REQUESTS), database)
    live = GenesysClient.from_settings(config, budget)
    background = budget.background(lambda: limits.value(GENESYS_REQUESTS_BACKGROUND))
    return Services(
        settings=config,
        limits=limits,
        budgets={"live": budget, "background": background},
        genesys={"live": live, "background": live.with_budget(background)},
        interactions=InteractionTable(
            database, config.interaction_table, retention_days=config.retention_days
        ),
        quarantine=QuarantineTable(database, config.quarantine_table, days=config.quarantine_days),
        archive=_archive(config, bucket, aws_for_bucket) if bucket else None,
        fetching=ThreadPoolExecutor(FETCH_THREADS, "fetch"),
        storing=ThreadPoolExecutor(config.store_concurrency, "store"),
        write_slots=Slots(
            STORE_WRITES, at_once=config.chunks_written, longest_use=task_policy().task_timeout
        ),
    )


def _environment() -> tuple[Settings, Any, Any]:
    """The settings and what makes AWS clients, for the tables and for the bucket; from blocks where named."""
    names = BlockNames()
    if not names.any:
        return settings(), boto3, boto3
    from tasks import blocks  # noqa: PLC0415 - heavy to import, and most have no block

    return blocks.configured(names), blocks.aws(names), blocks.aws_for_bucket(names)


def _archive(config: Settings, bucket: str, aws: Any) -> ConversationArchive:
    return ConversationArchive(archive.client(config.store_concurrency, aws), bucket)
