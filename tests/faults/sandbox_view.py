"""Read a running sandbox from outside: bus, tables, bucket, queues, runs, and what the simulator holds."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self

import boto3
import requests
from boto3.dynamodb.types import TypeDeserializer

from deployments.sandbox.environment import Addresses
from tasks.events import unpacked
from tasks.lake.catalog import Lake
from tasks.lake.iceberg.tables import INTERACTION_TABLES
from tasks.records import build_record
from tasks.stores import StagingBucket
from tests.faults.discrepancies import Expected, FlowRun, HeldVersion, Observed
from tests.support.bucket_search import objects_with_each

_PAGE = 200  # the largest page that Prefect's API returns
_deserialize = TypeDeserializer().deserialize


class SandboxView:
    """Clients of a sandbox's AWS, Prefect and Genesys; `publishes` when runs of `publish` follow each other closely."""

    def __init__(self, addresses: Addresses, *, publishes: bool = False) -> None:
        self.addresses = addresses
        self._publishes = publishes
        session: Any = boto3.Session(
            aws_access_key_id=addresses.aws_access_key_id,
            aws_secret_access_key=addresses.aws_secret_access_key,
            region_name=addresses.aws_default_region,
        )
        names = ("events", "dynamodb", "sqs", "s3", "glue")
        self._aws = {n: session.client(n, endpoint_url=addresses.aws_endpoint_url) for n in names}
        self._http = requests.Session()

    @classmethod
    def from_environment(cls) -> Self:
        """Return a view of the sandbox that `.sandbox/env` names; raises KeyError for a missing variable."""
        return cls(Addresses(**{each.name: os.environ[each.name.upper()] for each in fields(Addresses)}))

    def put(self, entries: list[dict[str, Any]]) -> list[str]:
        """Put at most ten entries on the bus; return their event ids."""
        full = [{**entry, "EventBusName": self.addresses.event_bus} for entry in entries]
        answer = self._aws["events"].put_events(Entries=full)
        return [entry["EventId"] for entry in answer["Entries"]]

    def end_again(self, interaction_id: str) -> None:
        """Let a conversation be taken up and end once more in the simulator."""
        url = f"{self.addresses.genesys_api_url}/_sim/conversations/{interaction_id}/events"
        self._http.post(url, json={"type": "ended-again"}, timeout=30).raise_for_status()

    def expected(self, interaction_ids: Iterable[str]) -> Iterator[tuple[str, Expected]]:
        """Yield the expected record of each interaction, from what the simulator holds whatever its faults."""
        for id_ in interaction_ids:
            url = f"{self.addresses.genesys_api_url}/_sim/conversations/{id_}"
            answer = self._http.get(url, timeout=60)
            answer.raise_for_status()
            conversation = json.loads(answer.text, parse_float=Decimal)
            yield id_, Expected(build_record(conversation, datetime.now(UTC)))

    def interactions(self, *names: str) -> list[dict[str, Any]]:
        """Return the rows of the interaction table, with all attributes or only some."""
        return list(self._scan(self.addresses.interaction_table, names))

    def quarantine(self, *names: str) -> list[dict[str, Any]]:
        """Return the rows of the quarantine table, with all attributes or only some."""
        return list(self._scan(self.addresses.quarantine_table, names))

    def _scan(self, table: str, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {"TableName": table, "ConsistentRead": True}
        if names:
            query["ProjectionExpression"] = ", ".join(f"#{name}" for name in names)
            query["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
        for page in self._aws["dynamodb"].get_paginator("scan").paginate(**query):
            for item in page["Items"]:
                yield {name: _deserialize(value) for name, value in item.items()}

    def staged(self) -> dict[tuple[str, str], HeldVersion]:
        """Return what the staged objects hold, by object and interaction."""
        bucket = StagingBucket(self._aws["s3"], self.addresses.conversation_bucket)
        return {
            (listed.key, entry.interaction_id): _held(entry.version, entry.conversation)
            for listed in bucket.list()
            for entry in bucket.read(listed.key) or ()
        }

    def published(self) -> dict[str, HeldVersion]:
        """Return what the table of conversations holds, by interaction; nothing where nothing can be published."""
        if not self.addresses.analytics_database:
            return {}
        if (table := self._lake().existing("conversations")) is None:
            return {}
        rows = table.scan(selected_fields=("interaction_id", "version", "body")).to_arrow().to_pylist()
        return {
            row["interaction_id"]: _held(row["version"], json.loads(row["body"], parse_float=Decimal))
            for row in rows
        }

    def _lake(self) -> Lake:
        at = self.addresses
        return Lake(self._aws["glue"], self._aws["s3"], at.conversation_bucket, at.analytics_database)

    def messages(self, url: str) -> int:
        """Return how many messages a queue holds, in flight and delayed ones included."""
        names = [f"ApproximateNumberOfMessages{each}" for each in ("", "NotVisible", "Delayed")]
        answer = self._aws["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def unfinished(self) -> int:
        """Return how many runs of process-interactions and of erase-interactions have not ended."""
        flows = ("process-interactions", "erase-interactions")
        return self._count(flows, "SCHEDULED", "PENDING", "RUNNING", "CANCELLING")

    def waiting(self, flow: str) -> int:
        """Return how many runs of a flow are due and have not begun."""
        due = {"expected_start_time": {"before_": datetime.now(UTC).isoformat()}}
        return self._count((flow,), "SCHEDULED", "PENDING", **due)

    def _count(self, flows: Sequence[str], *states: str, **more: dict[str, str]) -> int:
        query = {
            "flows": {"name": {"any_": list(flows)}},
            "flow_runs": {"state": {"type": {"any_": list(states)}}, **more},
        }
        return int(self.prefect("flow_runs/count", query))

    def tables(self) -> dict[str, list[dict[str, Any]]] | None:
        """Return the rows of the analytics tables of interactions by name; None where nothing is published."""
        if not self._publishes:
            return None
        lake = self._lake()
        opened = {table.name: lake.existing(table.name) for table in INTERACTION_TABLES}
        return {
            name: [] if table is None else table.scan().to_arrow().to_pylist()
            for name, table in opened.items()
        }

    def prefect(self, path: str, body: dict[str, Any]) -> Any:
        """POST to Prefect's API and return the answer."""
        answer = self._http.post(f"{self.addresses.prefect_api_url}/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def deployment(self, name: str) -> str:
        """Return the id of a deployment, by `flow/name`."""
        answer = self._http.get(f"{self.addresses.prefect_api_url}/deployments/name/{name}", timeout=60)
        answer.raise_for_status()
        return str(answer.json()["id"])

    def runs(self, since: str) -> dict[str, list[FlowRun]]:
        """Return the runs of process-interactions since a time, by the ids of the events that they carry."""
        found: dict[str, dict[str, FlowRun]] = defaultdict(dict)
        for run in self._runs(since):
            state = run.get("state") or {}
            seen = FlowRun(run["id"], str(state.get("type")), str(state.get("message") or ""))
            for text in unpacked(run["parameters"].get("events") or ()):
                if event_id := _event_id(text):
                    found[event_id][seen.id] = seen
        return {event_id: list(runs.values()) for event_id, runs in found.items()}

    def _runs(self, since: str) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {
            "flows": {"name": {"any_": ["process-interactions"]}},
            "flow_runs": {"expected_start_time": {"after_": since}},
            "sort": "EXPECTED_START_TIME_ASC",
            "limit": _PAGE,
        }
        offset = 0
        while page := self.prefect("flow_runs/filter", query | {"offset": offset}):
            yield from page
            offset += len(page)

    def traces(self, interaction_ids: Iterable[str]) -> dict[str, list[str]]:
        """Return the keys of the objects of any version that have an interaction in their key or decoded content."""
        s3, bucket = self._aws["s3"], self.addresses.conversation_bucket
        return objects_with_each(s3, bucket, interaction_ids)

    def observed(self, since: str, erased: Iterable[str] = ()) -> Observed:
        """Return everything that is compared, of `erased` interactions every trace."""
        return Observed(
            rows=self.interactions(),
            quarantine=self.quarantine(),
            staged=self.staged(),
            published=self.published(),  # afterwards: what is staged no more is in here
            tables=self.tables(),
            traces=self.traces(erased),
            runs=self.runs(since),
            unfinished=self.unfinished(),
            buffered=self.messages(self.addresses.buffer_queue_url),
            dead_letters=self.messages(self.addresses.dead_letter_queue_url),
        )


def _held(version: str, conversation: dict[str, Any]) -> HeldVersion:
    return HeldVersion(version, build_record(conversation, datetime.now(UTC)).content_hash)


def _event_id(text: str) -> str | None:
    try:
        return str(json.loads(text).get("id"))
    except (ValueError, AttributeError):
        return None
