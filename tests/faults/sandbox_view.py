"""A running sandbox seen from outside: its bus, tables, bucket, queues, runs, and the simulator's truth."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self

import boto3
import requests
from boto3.dynamodb.types import TypeDeserializer

from deployments.sandbox.addresses import Addresses
from tasks.records import build_record
from tasks.stores.archive import object_key
from tests.faults.balance import Observed, Run, Truth

_PAGE = 200  # Prefect's most per page
_deserialize = TypeDeserializer().deserialize


class View:
    """Clients of a sandbox."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        session: Any = boto3.Session(
            aws_access_key_id=addresses.aws_access_key_id,
            aws_secret_access_key=addresses.aws_secret_access_key,
            region_name=addresses.aws_default_region,
        )
        names = ("events", "dynamodb", "sqs", "s3")
        self._aws = {n: session.client(n, endpoint_url=addresses.aws_endpoint_url) for n in names}
        self._http = requests.Session()

    @classmethod
    def from_environment(cls) -> Self:
        """The sandbox that `.sandbox/env` names; raises KeyError for a variable that is missing."""
        return cls(Addresses(**{each.name: os.environ[each.name.upper()] for each in fields(Addresses)}))

    def put(self, entries: list[dict[str, Any]]) -> list[str]:
        """Put at most ten entries on the bus; their event ids."""
        full = [{**entry, "EventBusName": self.addresses.event_bus} for entry in entries]
        answer = self._aws["events"].put_events(Entries=full)
        return [entry["EventId"] for entry in answer["Entries"]]

    def change(self, interaction_id: str, kind: str = "ended-again") -> None:
        """Have something happen to a conversation."""
        url = f"{self.addresses.genesys_api_url}/_sim/conversations/{interaction_id}/events"
        self._http.post(url, json={"type": kind}, timeout=30).raise_for_status()

    def truths(self, interaction_ids: Iterable[str]) -> Iterator[tuple[str, Truth]]:
        """What Genesys holds of each, whatever faults it has."""
        for id_ in interaction_ids:
            url = f"{self.addresses.genesys_api_url}/_sim/conversations/{id_}"
            answer = self._http.get(url, timeout=60)
            answer.raise_for_status()
            conversation = json.loads(answer.text, parse_float=Decimal)
            yield id_, Truth(build_record(conversation, datetime.now(UTC)), object_key(id_, conversation))

    def interactions(self, *names: str) -> list[dict[str, Any]]:
        """The interaction table, whole, or only some attributes of it."""
        return list(self._scan(self.addresses.interaction_table, names))

    def quarantine(self, *names: str) -> list[dict[str, Any]]:
        """The quarantine table."""
        return list(self._scan(self.addresses.quarantine_table, names))

    def _scan(self, table: str, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        wanted: dict[str, Any] = {"TableName": table, "ConsistentRead": True}
        if names:
            wanted["ProjectionExpression"] = ", ".join(f"#{name}" for name in names)
            wanted["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
        for page in self._aws["dynamodb"].get_paginator("scan").paginate(**wanted):
            for item in page["Items"]:
                yield {name: _deserialize(value) for name, value in item.items()}

    def archived(self) -> set[str]:
        """The keys of all whole conversations."""
        pages = self._aws["s3"].get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.addresses.conversation_bucket, Prefix="conversations/")
        return {entry["Key"] for page in found for entry in page.get("Contents", [])}

    def messages(self, url: str) -> int:
        """How many messages a queue holds, in flight and delayed ones included."""
        names = [f"ApproximateNumberOfMessages{each}" for each in ("", "NotVisible", "Delayed")]
        answer = self._aws["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def unfinished(self) -> int:
        """How many runs of process-interactions have not ended."""
        query = {
            "flows": {"name": {"any_": ["process-interactions"]}},
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING", "CANCELLING"]}}},
        }
        return int(self.prefect("flow_runs/count", query))

    def prefect(self, path: str, body: dict[str, Any]) -> Any:
        """POST to Prefect's API."""
        answer = self._http.post(f"{self.addresses.prefect_api_url}/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def deployment(self, name: str) -> str:
        """The id of a deployment, by `flow/name`."""
        answer = self._http.get(f"{self.addresses.prefect_api_url}/deployments/name/{name}", timeout=60)
        answer.raise_for_status()
        return str(answer.json()["id"])

    def runs(self, since: str) -> dict[str, list[Run]]:
        """The runs of process-interactions since then, by the ids of the events that they carry."""
        found: dict[str, dict[str, Run]] = defaultdict(dict)
        for run in self._runs(since):
            state = run.get("state") or {}
            seen = Run(run["id"], str(state.get("type")), str(state.get("message") or ""))
            for text in run["parameters"].get("events") or ():
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

    def observed(self, since: str) -> Observed:
        """Everything that the ledger compares."""
        return Observed(
            rows=self.interactions(),
            quarantine=self.quarantine(),
            archived=self.archived(),
            runs=self.runs(since),
            unfinished=self.unfinished(),
            buffered=self.messages(self.addresses.buffer_queue_url),
            dead=self.messages(self.addresses.dead_letter_queue_url),
        )


def _event_id(text: str) -> str | None:
    try:
        return str(json.loads(text).get("id"))
    except (ValueError, AttributeError):
        return None
