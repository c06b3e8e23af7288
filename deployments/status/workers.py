"""The live deployment, its work pool with the queues, and the workers with their last poll."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound

from deployments.status.finding import Finding, SourceStatus, age
from infra.prefect_health import HEARTBEAT, RECENT, Poll


class PoolState(NamedTuple):
    """What executes live events; `paused` names the deployment, the pool or the queues that are."""

    name: str
    paused: tuple[str, ...]
    polls: tuple[Poll, ...]


async def read(client: PrefectClient, deployment: str, now: datetime) -> SourceStatus:
    """Return the workers of the deployment's pool. Raises httpx's errors."""
    try:
        found = await client.read_deployment_by_name(deployment)
    except ObjectNotFound:
        return _missing(deployment)
    if found.work_pool_name is None:
        return _missing(deployment)
    pool = await client.read_work_pool(found.work_pool_name)
    queues = await client.read_work_queues(work_pool_name=pool.name)
    workers = await client.read_workers_for_work_pool(pool.name)
    paused = [f"deployment {deployment}"] if found.paused else []
    paused += [f"pool {pool.name}"] if pool.is_paused else []
    paused += [f"queue {queue.name}" for queue in queues if queue.is_paused]
    polls = [
        Poll(
            worker.name,
            worker.last_heartbeat_time,
            timedelta(seconds=worker.heartbeat_interval_seconds or HEARTBEAT.total_seconds()),
        )
        for worker in workers
        if worker.last_heartbeat_time
    ]
    return judge(PoolState(pool.name, tuple(paused), tuple(polls)), now)


def judge(pool: PoolState, now: datetime) -> SourceStatus:
    """Return the workers that were heard of lately; findings for none that polls, and for what is paused."""
    heard = sorted(pool.polls, key=lambda poll: poll.at, reverse=True)
    status = SourceStatus("workers")
    status.data = {
        "pool": pool.name,
        "paused": list(pool.paused),
        "workers": [{"name": poll.name, "lastPoll": poll.at, "polls": poll.is_recent(now)} for poll in heard],
    }
    shown = [poll for poll in heard if now - poll.at <= RECENT]
    status.lines = [_line(poll, now) for poll in shown] or ["none in the last hour"]
    if not any(poll.is_recent(now) for poll in pool.polls):
        status.findings.append(_no_worker(pool.name, heard, now))
    if pool.paused:
        status.findings.append(
            Finding(
                "paused",
                ", ".join(pool.paused),
                _resume(pool),
                len(pool.paused),
            )
        )
    return status


def _line(poll: Poll, now: datetime) -> str:
    silent = "" if poll.is_recent(now) else ": silent, stopped or frozen"
    return f"{poll.name}: last poll {age(poll.at, now)} ago{silent}"


def _no_worker(pool: str, heard: Sequence[Poll], now: datetime) -> Finding:
    last, silent = heard[0].at if heard else None, [poll for poll in heard if now - poll.at <= RECENT]
    known = f"; silent: {', '.join(poll.name for poll in silent)}" if silent else ""
    text = f"no worker polls pool {pool}" + (known if heard else "; none ever did")
    restart = f"start one: `prefect worker start --pool {pool} --limit 10`"
    if silent:
        restart = f"end what is silent, and {restart}"
    return Finding("no-worker", text, restart, len(silent), last)


def _resume(pool: PoolState) -> str:
    kind, _, name = pool.paused[0].partition(" ")
    match kind:
        case "deployment":
            return f"its switch in the Prefect UI, Deployments: {name}"
        case "pool":
            return f"`prefect work-pool resume {name}`"
    return f"`prefect work-queue resume {name} --pool {pool.name}`"


def _missing(deployment: str) -> SourceStatus:
    step = "`interactions apply`, then `prefect deploy --all`"
    missing = Finding("deployment-missing", f"Prefect knows no deployment {deployment} with a pool", step)
    return SourceStatus("workers", ["no deployment"], {"deployment": None}, [missing])
