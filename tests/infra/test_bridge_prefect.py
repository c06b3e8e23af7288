"""The bridge against a real Prefect server: its assumptions about Prefect's responses are true."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from api_key import Credentials
from batching import FRAME_BYTES, Message
from connection import Connection
from delivery import Delivery, Report
from prefect_api import PrefectApi

from tasks.events import unpacked
from tasks.events.packed import PREFIX
from tests.support.bridge_messages import Letters, customer_end, messages
from tests.support.prefect_server import running_server
from tests.support.stack import eventually

LIMIT = 524_288
"""Bytes of parameters that the server takes."""
TEXTS = {"type": "object", "properties": {"events": {"type": "array", "items": {"type": "string"}}}}
PACKED = {"type": "object", "properties": {"events": {"type": "array", "packed": PREFIX}}}
OBJECTS = {"type": "object", "properties": {"events": {"type": "array", "items": {"type": "object"}}}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the API's URL of a Prefect server that runs for all of these tests."""
    with running_server(tmp_path_factory.mktemp("prefect")) as running:
        yield running.api_url


@dataclass
class Deployment:
    """A deployment of its own, and the bridge in front of it."""

    url: str
    connection: Connection
    name: str = field(default_factory=lambda: f"test-{uuid.uuid4()}")
    schema: dict[str, Any] = field(default_factory=lambda: TEXTS)
    letters: Letters = field(default_factory=Letters)
    deployment_id: str = ""

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the server's response."""

        def answered() -> list[requests.Response]:
            answer = requests.request(method, self.url + path, json=body, timeout=60)
            return [] if answer.status_code == 503 else [answer]  # SQLite is sometimes busy

        (answer,) = eventually(answered)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def create(self) -> None:
        """Create the deployment."""
        flow = self.call("POST", "/flows/", {"name": "process-interactions"})
        deployment = {"flow_id": flow["id"], "name": self.name, "parameter_openapi_schema": self.schema}
        self.deployment_id = self.call("POST", "/deployments/", deployment)["id"]

    def process(self, *, max_bytes: int = 500_000, max_waiting_runs: int = 50) -> Delivery:
        """Return the bridge as a new process has it."""
        name = f"process-interactions/{self.name}"
        api = PrefectApi(self.connection, Credentials(None), deployment_name=name, timeout=30)
        return Delivery(
            api, self.letters, max_events=2000, max_bytes=max_bytes, max_waiting_runs=max_waiting_runs
        )

    def deliver(self, given: list[Message], **bounds: int) -> Report:
        """Deliver as a new process does, and again while SQLite is busy, as SQS would."""
        return redelivered(self.process(**bounds), given)

    def run(self, state: dict[str, Any] | None = None) -> str:
        """Create a run without the bridge and return its id."""
        path = f"/deployments/{self.deployment_id}/create_flow_run"
        run_id: str = self.call("POST", path, {"state": state} if state else {})["id"]
        return run_id

    def set_state(self, run_id: str, state: str) -> None:
        """Force a run into a state."""
        self.call("POST", f"/flow_runs/{run_id}/set_state", {"state": {"type": state}, "force": True})

    def events(self, run_id: str) -> list[str]:
        """Return the events of a run as a worker reads them."""
        events: list[str] = self.call("GET", f"/flow_runs/{run_id}")["parameters"]["events"]
        return events


def redelivered(process: Delivery, given: list[Message]) -> Report:
    """Deliver until the server is not too busy, and return that report."""

    def delivered() -> Report | None:
        report = process.deliver(given, lambda: 900.0)
        return None if report.halted and report.halted.status == 503 else report

    report: Report = eventually(delivered)
    return report


@pytest.fixture
def deployment(server: str) -> Iterator[Deployment]:
    """Return a deployment without runs."""
    connection = Connection(urlsplit(server))
    made = Deployment(server, connection)
    made.create()
    yield made
    connection.close()


def difficult_bodies() -> list[str]:
    """Return bodies that made Prefect refuse or change a whole batch when they were sent as objects."""
    kinds = ("json", "workspace_variable", "jinja", "none", "unknown", 1, None)
    orders = [
        {"__prefect_kind": k, "value": "[1]", "variable_name": "x", "template": "{{ 7*7 }}"} for k in kinds
    ]
    events = [customer_end(n, **order) for n, order in enumerate(orders)]
    events += [{**customer_end(10 + n), **order} for n, order in enumerate(orders)]
    events += [
        customer_end(20 + n, conversationId=text) for n, text in enumerate(("\x00", "\ud800", "{{ 7*7 }}"))
    ]
    events += [customer_end(30, queueId={"__prefect_kind": "jinja", "template": "{{ 7*7 }}"})]
    events += [customer_end(40, subject="x" * 1_000_000)]
    return [*(json.dumps(event) for event in events), "\x00", "\ud800", "{oops", "[1]", "42", "x" * 1_000_000]


def test_difficult_events_arrive_as_they_were_sent(deployment: Deployment) -> None:
    """Instructions to Prefect, NUL, lone surrogates and megabytes are in one run, unchanged, with valid events."""
    given = messages(*range(100, 110))
    given += [Message.of(f"a{n}", body) for n, body in enumerate(difficult_bodies())]

    report = deployment.deliver(given)

    (run_id,) = report.runs
    assert len(report.accepted) == len(given)
    assert sorted(deployment.events(run_id)) == sorted(each.text for each in given)


def test_the_bytes_are_counted_as_prefect_counts_them(deployment: Deployment) -> None:
    """A batch of exactly 524,288 bytes is accepted whole; with one byte more it is refused and split."""
    texts = [json.dumps("x" * 170_000), json.dumps('"\\' * 40_000), json.dumps("y")]
    some = [Message(f"b{n}", "", text, ()) for n, text in enumerate(texts)]
    left = LIMIT + 1 - FRAME_BYTES - sum(each.size for each in some)
    whole = Message("w", "", "z" * (left - Message("", "", "", ()).size), ())
    more = Message("v", "", whole.text + "z", ())

    assert list(deployment.deliver([*some, whole], max_bytes=LIMIT + 1).runs.values()) == [4]
    assert sorted(deployment.deliver([*some, more], max_bytes=LIMIT + 2).runs.values()) == [2, 2]
    assert len(deployment.deliver([*some, more], max_bytes=LIMIT + 1).runs) == 2
    assert deployment.letters.sent == {}


def test_packed_events_arrive_as_they_were_sent(deployment: Deployment) -> None:
    """Of a deployment whose schema says that its flow reads them: two thousand in one run, named by the bridge."""
    deployment.schema = PACKED
    deployment.create()
    given = messages(*range(2_000))

    report = deployment.deliver(given)

    (run_id,) = report.runs
    assert report.accepted == {each.message_id for each in given}
    assert len(deployment.events(run_id)) == 1
    assert unpacked(deployment.events(run_id)) == [each.text for each in given]
    assert deployment.call("GET", f"/flow_runs/{run_id}")["name"] == "2000 interactions"


def test_a_batch_delivered_again_is_the_same_run(deployment: Deployment) -> None:
    """The idempotency key works on the real server."""
    first, second = deployment.deliver(messages(1, 2)), deployment.deliver(messages(1, 2))

    assert first.accepted == second.accepted
    assert first.runs == second.runs


@pytest.mark.parametrize("state", ["CRASHED", "FAILED", "CANCELLED"])
def test_a_batch_whose_run_failed_runs_again(deployment: Deployment, state: str) -> None:
    """A new run has the events, and further deliveries get this one."""
    given = messages(1, 2)
    (old,) = deployment.deliver(given).runs
    deployment.set_state(old, state)

    (new,) = deployment.deliver(given).runs
    (same,) = deployment.deliver(given).runs

    assert new != old
    assert same == new
    assert deployment.events(new) == [each.text for each in given]


def test_a_batch_whose_run_completed_is_accepted(deployment: Deployment) -> None:
    """A completed run counts as accepted."""
    (old,) = deployment.deliver(messages(1)).runs
    deployment.set_state(old, "COMPLETED")

    assert list(deployment.deliver(messages(1)).runs) == [old]


def test_waiting_runs_stop_the_bridge(deployment: Deployment) -> None:
    """Due and Pending runs count; runs scheduled for later, running and finished ones do not."""
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for _ in range(3):
        deployment.run({"type": "SCHEDULED", "state_details": {"scheduled_time": later}})
    for state in ("RUNNING", "COMPLETED", "PENDING"):
        deployment.set_state(deployment.run(), state)
    due = [deployment.run() for _ in range(50)]

    closed = deployment.deliver(messages(1))
    assert closed.returned == {"m0-1": "too-many-waiting-runs"}
    assert closed.waiting_runs == 51

    deployment.set_state(due[0], "RUNNING")
    assert deployment.deliver(messages(1)).accepted == {"m0-1"}


def test_a_deployment_that_was_created_again_is_found(deployment: Deployment) -> None:
    """A process that has the old id finds the new one by the name."""
    process = deployment.process()
    redelivered(process, messages(1))
    deployment.call("DELETE", f"/deployments/{deployment.deployment_id}")
    assert redelivered(process, messages(2)).returned == {"m0-2": "deployment-not-found"}

    deployment.create()
    assert redelivered(process, messages(2)).accepted == {"m0-2"}


def test_a_flow_with_other_parameters_refuses_the_event(server: str) -> None:
    """The real server's 409 leads to the dead-letter queue, with a reason that quotes nothing of the event."""
    connection = Connection(urlsplit(server))
    strict = Deployment(server, connection, schema=OBJECTS)
    strict.create()

    report = strict.deliver(messages(1, 2))
    connection.close()

    assert set(report.dead) == {"m0-1", "m1-2"}
    assert {refused.status for refused in strict.letters.sent.values()} == {409}
    assert all(refused.reason.startswith("Error creating flow run") for refused in report.dead.values())
    assert not any(character.isdigit() for character in strict.letters.sent["m0-1"].reason)


def test_the_database_is_a_temporary_one(server: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The server of these tests keeps its data in the tests' folder and listens on the loopback."""
    assert server.startswith("http://127.0.0.1:")
    base = Path(tmp_path_factory.getbasetemp())
    assert [*base.glob("prefect*/postgres/PG_VERSION"), *base.glob("prefect*/prefect.db")]
