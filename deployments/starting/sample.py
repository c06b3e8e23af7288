"""Sample events, through the bus where there is one, else straight to Prefect; and the runs that they end in."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from rich.console import Console

from deployments.errors import BadValue, CommandError
from deployments.prefect_server import server_client
from deployments.sample_events import customer_end
from deployments.starting.follow import POLL, Report, follow, print_runs, with_progress
from deployments.starting.start import start
from flows.runs.timeouts import PROCESS
from infra.errors import check_endpoints, explain
from tasks.values import canonical_id, chunked

LIVE = "process-interactions/live"
_NO_BUS = (
    "EVENT_BUS and EVENT_SOURCE name no bus: `set -a; . .sandbox/env` for a sandbox's; without a bus name "
    "interactions that Genesys knows: `interactions trigger ID`"
)
_PAGE = 50  # runs of the moment, among which those of our events are looked for
_BACK, _AHEAD = timedelta(minutes=1), timedelta(seconds=30)  # that the clocks may differ


async def trigger(interaction_ids: Sequence[str], count: int, *, bad: bool, wait: bool, as_json: bool) -> int:
    """Send sample events, follow the runs that they end in; return the exit code. Raises CommandError."""
    bus, source = os.environ.get("EVENT_BUS"), os.environ.get("EVENT_SOURCE")
    ids = _ids(interaction_ids, count, bad=bad, has_bus=bool(bus and source))
    events = [customer_end(id_, source or "aws.partner/genesys.com/sample") for id_ in ids]
    async with server_client() as client:
        runs = await (
            _by_bus(client, bus, events, wait=wait)
            if bus and source
            else _straight(client, events, wait=wait)
        )
    if not as_json:
        sys.stdout.write("\n".join(ids) + "\n")  # alone, for a shell: ID=$(...)
    return print_runs(runs, as_json=as_json, console=Console(stderr=True, emoji=False), interactionIds=ids)


async def _by_bus(
    client: PrefectClient, bus: str, events: Sequence[dict[str, Any]], *, wait: bool
) -> list[FlowRun]:
    began = datetime.now(UTC) - _BACK
    marks = await asyncio.to_thread(_put, bus, events)
    if not wait:
        return []
    return await with_progress(lambda report: _ended(client, marks, began, report), "on the bus")


async def _straight(client: PrefectClient, events: Sequence[dict[str, Any]], *, wait: bool) -> list[FlowRun]:
    runs = await start(client, LIVE, [{"events": [_as_travelling(event) for event in events]}])
    return await with_progress(lambda report: follow(client, runs, report), LIVE) if wait else runs


def _ids(given: Sequence[str], count: int, *, bad: bool, has_bus: bool) -> list[str]:
    """Return the events' conversation ids. Raises BadValue for one that is none, or when none can be known."""
    if bad:
        return [f"no-uuid-{number}" for number in range(1, count + 1)]
    if not given and not has_bus:
        raise BadValue(_NO_BUS)
    found = [canonical_id(each.strip()) for each in given]
    wrong = [str(place) for place, id_ in enumerate(found, start=1) if id_ is None]
    if wrong:
        raise BadValue(
            f"no interaction id (a UUID, 8-4-4-4-12 hexadecimal digits) at place {', '.join(wrong[:5])}"
        )
    return [id_ for id_ in found if id_] or [str(uuid.uuid4()) for _ in range(count)]


def _put(bus: str, events: Sequence[dict[str, Any]]) -> list[str]:
    """Put the events on the bus; return the ids that it gave them. Raises CommandError."""
    ids: list[str] = []
    try:
        check_endpoints()
        client: Any = boto3.client("events")
        for batch in chunked(events, 10):
            answer = client.put_events(Entries=[{**event, "EventBusName": bus} for event in batch])
            ids += [entry["EventId"] for entry in answer["Entries"] if "EventId" in entry]
    except BotoCoreError as error:
        raise CommandError(str(explain(error, flags=False))) from error
    except ClientError as error:
        raise CommandError(f"the bus does not take it: {error}") from error
    if len(ids) < len(events):
        raise CommandError(f"the bus refused {len(events) - len(ids)} events: may you put events on {bus}?")
    return ids


def _as_travelling(event: dict[str, Any]) -> str:
    """Return an event's text as the bridge would hand it on: without what is no field of ours."""
    detail = json.loads(event["Detail"])
    body = {name: value for name, value in detail["eventBody"].items() if name not in ("ani", "dnis")}
    envelope = {
        "id": str(uuid.uuid4()),
        "source": event["Source"],
        "detail-type": event["DetailType"],
        "detail": {"topicName": detail["topicName"], "eventBody": body},
    }
    return json.dumps(envelope)


async def _ended(
    client: PrefectClient, marks: Sequence[str], began: datetime, report: Report
) -> list[FlowRun]:
    """Return the runs that hold these events, when all of them have ended; the bridge decides how many they are."""
    found: dict[str, FlowRun] = {}
    while len(found) < len(marks):
        report(f"{len(found)} of {len(marks)} in a run", None)
        runs = await client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[PROCESS])),
            flow_run_filter=FlowRunFilter.model_validate({"expected_start_time": _since(began)}),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            limit=_PAGE,
        )
        for run in runs:
            text = " ".join(each for each in run.parameters.get("events") or () if isinstance(each, str))
            found |= {mark: run for mark in marks if mark in text and mark not in found}
        if len(found) < len(marks):
            await asyncio.sleep(POLL)
    unique = {run.id: run for run in found.values()}
    return await follow(client, list(unique.values()), report)


def _since(began: datetime) -> dict[str, datetime]:
    """Return the interval of the runs that may be ours; what they deferred is due later."""
    return {"after_": began, "before_": datetime.now(UTC) + _AHEAD}
