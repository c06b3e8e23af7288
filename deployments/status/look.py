"""Looking at every source: AWS's side by side, then Prefect's; one that cannot be read is a finding itself."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from prefect.client.orchestration import PrefectClient

from deployments.aws import reason, session
from deployments.errors import CommandError, NoServer
from deployments.prefect_server import NOT_SET, api_url, server_client
from deployments.status import (
    budget,
    completeness,
    deferred,
    publish,
    quarantine,
    queues,
    reconcile,
    runs,
    workers,
)
from deployments.status.finding import Finding, SourceStatus, Status
from deployments.status.settings import StatusSettings, StatusThresholds
from infra.errors import explain
from tasks.errors import PipelineError
from tasks.options import limited_client_retries
from tasks.stores import InteractionTable, QuarantineTable, StagingBucket, dynamodb, s3

LONGEST = 30.0  # seconds for one source to answer
_GREETING = 20.0  # seconds for Prefect to answer at all: a server that hangs is named within a minute
_RETRIES = 2  # of Prefect's client: a busy server answers 503 now and then
PREFECT = ("runs", "workers", "limits", "reconcile")
ORDER = (
    *("buffer", "dead letters", "workers", "runs", "limits", "budget"),
    *("deferred", "quarantine", "reconcile", "completeness", "publish"),
)

_VARIABLES = {"buffer": "BUFFER_QUEUE_URL", "dead letters": "DEAD_LETTER_QUEUE_URL"}

Read = Callable[[], Awaitable[SourceStatus]]


async def look(settings: StatusSettings, thresholds: StatusThresholds) -> Status:
    """Return what every source says. Raises InvalidInput and NoServer when AWS cannot be set up at all."""
    now, aws = datetime.now(UTC), session(settings.aws_credentials_block)
    of_aws, of_prefect = await asyncio.gather(
        asyncio.gather(*_aws(settings, thresholds, aws, now)), _prefect(settings, thresholds, now)
    )
    found = [*of_aws, *of_prefect]
    _tell_what_waits(found)
    if table := settings.budget_table:
        seconds = settings.budget_window + settings.budget_margin
        allowed = next((each.data for each in found if each.name == "limits"), {})
        found.append(
            await _threaded("budget", lambda: budget.judge(budget.window(aws, table, seconds, now), allowed))
        )
    found.sort(key=lambda source: ORDER.index(source.name))
    return Status(now, [*found, SourceStatus("sources", findings=[*_unread(found)])])


def _tell_what_waits(found: Sequence[SourceStatus]) -> None:
    """Add to an unreachable Prefect what waits for it in the buffer, and since when."""
    buffer = next((each.data for each in found if each.name == "buffer"), {})
    for source in found:
        source.findings = [
            replace(each, count=buffer.get("depth"), since=buffer.get("since"))
            if each.code == "prefect-unreachable"
            else each
            for each in source.findings
        ]


def _aws(
    settings: StatusSettings, thresholds: StatusThresholds, aws: Any, now: datetime
) -> Iterator[Awaitable[SourceStatus]]:
    interactions, rows, bucket = (
        settings.interaction_table,
        settings.quarantine_table,
        settings.conversation_bucket,
    )
    yield _threaded(
        "deferred", lambda: deferred.read(InteractionTable(dynamodb.client(1, aws), interactions), now)
    )
    yield _threaded(
        "quarantine", lambda: quarantine.read(QuarantineTable(dynamodb.client(1, aws), rows, days=1), now)
    )
    yield _queue("buffer", settings.buffer_queue_url, lambda url: queues.buffer(aws, url, thresholds, now))
    yield _queue(
        "dead letters", settings.dead_letter_queue_url, lambda url: queues.dead_letters(aws, url, now)
    )
    if table := settings.budget_table:
        yield _threaded("completeness", lambda: completeness.read(aws, table, now))
    if bucket:
        published, lag = settings.analytics_database is not None, thresholds.status_publish_lag
        yield _threaded(
            "publish",
            lambda: publish.read(StagingBucket(s3.client(1, aws), bucket), lag, now, published=published),
        )


def _queue(name: str, url: str | None, read: Callable[[str], SourceStatus]) -> Awaitable[SourceStatus]:
    return _threaded(name, lambda: read(url) if url else _unset(name))


async def _prefect(
    settings: StatusSettings, thresholds: StatusThresholds, now: datetime
) -> list[SourceStatus]:
    if api_url() is None:
        return [SourceStatus(name, ["not looked at"], error=NOT_SET) for name in PREFECT]
    try:
        async with asyncio.timeout(2 * LONGEST), server_client() as client:
            with limited_client_retries(0):
                await _greet(client)
            with limited_client_retries(_RETRIES):
                return await _of_server(client, settings, thresholds, now)
    except Exception as error:  # noqa: BLE001 - whatever it is, Prefect cannot be asked
        down = Finding("prefect-unreachable", _text(error), "is the server up, and its address right?")
        unread = [SourceStatus(name, ["not known: Prefect does not answer"]) for name in PREFECT]
        unread[0].findings = [down]
        return unread


async def _greet(client: PrefectClient) -> None:
    """Raise NoServer when it takes too long, and httpx's errors."""
    try:
        async with asyncio.timeout(_GREETING):
            await client.hello()
    except TimeoutError:
        raise NoServer(f"{api_url()} does not answer within {_GREETING:.0f} s") from None


async def _of_server(
    client: PrefectClient, settings: StatusSettings, thresholds: StatusThresholds, now: datetime
) -> list[SourceStatus]:
    async def limits() -> SourceStatus:
        return budget.judge_limits(await budget.limits(client))

    return [
        await _guarded("workers", lambda: workers.read(client, settings.live_deployment, now)),
        await _guarded("runs", lambda: runs.read(client, now)),
        await _guarded("limits", limits),
        await _guarded("reconcile", lambda: reconcile.read(client, thresholds.status_reconcile_age, now)),
    ]


async def _guarded(name: str, read: Read) -> SourceStatus:
    """Return what a source says, or that it could not be read; whatever it raises, the others go on."""
    try:
        async with asyncio.timeout(LONGEST):
            return await read()
    except Exception as error:  # noqa: BLE001 - a source that cannot be read is a finding
        return SourceStatus(name, ["not readable"], error=_text(error))


def _threaded(name: str, read: Callable[[], SourceStatus]) -> Awaitable[SourceStatus]:
    return _guarded(name, lambda: asyncio.to_thread(read))


def _unset(name: str) -> SourceStatus:
    text = f"{_VARIABLES[name]} is not set: `interactions outputs` names it"
    return SourceStatus(name, ["not looked at"], error=text)


def _text(error: Exception) -> str:
    match error:
        case PipelineError():
            return reason(error)
        case BotoCoreError():
            return str(explain(error, flags=False))
        case CommandError() | NoServer() | ClientError():
            return str(error)
        case TimeoutError():
            return f"no answer within {LONGEST:.0f} s"
    return f"{type(error).__name__}"


def _unread(found: Iterable[SourceStatus]) -> Iterator[Finding]:
    """Yield one finding for each reason why sources could not be read."""
    names: dict[str, list[str]] = defaultdict(list)
    for source in found:
        if source.error:
            names[source.error].append(source.name)
    for text, unread in names.items():
        symptom = f"not known: {', '.join(unread)}"
        yield Finding("source-unreadable", symptom, text, len(unread))
