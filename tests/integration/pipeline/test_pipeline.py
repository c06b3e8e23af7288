"""Events from the bus to the tables and Prefect, seen from outside."""

from __future__ import annotations

import base64
import json
import uuid
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from tasks.records import build_record
from tests.support.events import event_text
from tests.support.sandbox import SandboxDriver
from tests.support.stored import staged_conversation

KINDS = ("json", "jinja", "workspace_variable", "none", "an-unknown-kind")


def tutorial_end(interaction_id: str) -> dict[str, Any]:
    """Return a `conversation.end` as put_events takes it."""
    detail = {"conversationId": interaction_id, "queueId": str(uuid.uuid4()), "mediaType": "voice"}
    return {
        "Source": "com.genesyscloud.platform",
        "DetailType": "conversation.end",
        "Detail": json.dumps(detail),
    }


def tutorial_update(interaction_id: str) -> dict[str, Any]:
    """Return a `Conversation Update` with one record as put_events takes it."""
    record = {
        "interactionId": interaction_id,
        "type": "conversation:update",
        "timestamp": "2026-01-15T10:00:00Z",
    }
    return {
        "Source": "gen.cloud.events",
        "DetailType": "Conversation Update",
        "Detail": json.dumps({"detail": record}),
    }


def test_an_event_is_stored_as_the_record_of_its_conversation(driver: SandboxDriver) -> None:
    """A `customer.end` on the bus becomes a settled row that equals the record of what Genesys holds."""
    id_ = driver.end()
    row = driver.until_settled(id_)
    truth = requests.get(f"{driver.addresses.genesys_api_url}/_sim/conversations/{id_}", timeout=10)
    conversation = json.loads(truth.text, parse_float=Decimal)
    expected = build_record(conversation, datetime.now(UTC)).content
    assert {name: row[name] for name in expected} == expected
    assert row["contentHash"] == build_record(conversation, datetime.now(UTC)).content_hash
    assert row["attempt"] == 1
    assert row["eventType"] == "customer.end"


def test_an_event_whose_detail_type_names_the_conversation_is_stored_too(driver: SandboxDriver) -> None:
    """A `customer.end` with the conversation's id in the place of {id} passes the rule and becomes a settled row."""
    row = driver.until_settled(driver.end(concrete=True))
    assert row["eventType"] == "customer.end"


@pytest.mark.parametrize("shape", [tutorial_end, tutorial_update])
def test_the_simpler_event_shapes_are_stored_too(driver: SandboxDriver, shape: Any) -> None:
    """`conversation.end` and `Conversation Update` on the bus become settled rows."""
    id_ = str(uuid.uuid4())
    driver.put(shape(id_))
    assert driver.until_settled(id_)["interactionId"] == id_


def test_a_list_of_records_is_accepted_by_a_direct_invocation(driver: SandboxDriver) -> None:
    """EventBridge refuses a `detail` that is a list; the invoked bridge accepts it, and each record is a row."""
    ids = [str(uuid.uuid4()) for _ in range(3)]
    event = {
        "id": str(uuid.uuid4()),
        "source": "gen.cloud.events",
        "detail-type": "Conversation Update",
        "detail": [{"detail": {"interactionId": id_, "type": "conversation:update"}} for id_ in ids],
    }
    functions = driver.sandbox.client("lambda").list_functions()["Functions"]
    answer = driver.sandbox.client("lambda").invoke(
        FunctionName=functions[0]["FunctionName"], Payload=json.dumps(event)
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    for id_ in ids:
        driver.until_settled(id_)


def test_an_event_without_an_id_is_quarantined(driver: SandboxDriver) -> None:
    """It is one row in quarantine, and its run is Failed with the event's id in the message."""
    marker = str(uuid.uuid4())
    entry = tutorial_end("x") | {"Detail": json.dumps({"queueId": marker})}
    driver.put(entry)
    row = driver.until(lambda: next(iter(r for r in driver.quarantined() if marker in r["event"]), None))
    assert (row["reason"], row["code"], row["count"]) == ("rejected", "missing-conversation-id", 1)
    assert "detail.conversationId" in row["error"]
    run = driver.finished(row["flowRunId"])
    assert run["state_type"] == "FAILED"
    assert row["eventId"] in run["state"]["message"]


def test_the_valid_events_of_a_batch_with_an_invalid_one_are_saved(driver: SandboxDriver) -> None:
    """Each event has exactly one outcome: one is rejected, a repeated one is one row, the others are saved."""
    good, twice = str(uuid.uuid4()), str(uuid.uuid4())
    run_id = driver.create_run([event_text(good), "no JSON", *[event_text(twice) for _ in range(5)]])
    run = driver.finished(run_id)
    assert run["state_type"] == "FAILED"
    assert "1 of 7 events rejected" in run["state"]["message"]
    assert "2 saved, 4 unchanged, 0 deferred, 1 rejected, 0 failed" in run["state"]["message"]
    assert driver.settled(good)
    assert driver.settled(twice)
    assert len(driver.outcomes(run_id)) == 7


def test_the_same_event_five_times_on_the_bus_is_one_row(driver: SandboxDriver) -> None:
    """The outcomes of five deliveries, or of more by the queue, are one saved and the rest unchanged."""
    id_ = str(uuid.uuid4())
    entry = tutorial_end(id_)
    for _ in range(5):
        driver.put(entry)

    def all_outcomes() -> Counter[str] | None:
        runs = [run for run in driver.runs_with(id_) if run["state_type"] == "COMPLETED"]
        rows = [row for run in runs for row in driver.outcomes(run["id"]) if row["interactionId"] == id_]
        return Counter(row["outcome"] for row in rows) if len(rows) >= 5 else None

    found = driver.until(all_outcomes)
    assert found == {"saved": 1, "unchanged": found.total() - 1}


@pytest.mark.parametrize("kind", KINDS)
def test_prefects_template_kinds_are_not_executed(driver: SandboxDriver, kind: str) -> None:
    """An event with `__prefect_kind` in it is stored as any other, and so is the event beside it."""
    hostile, neighbour = str(uuid.uuid4()), str(uuid.uuid4())
    trap = {"__prefect_kind": kind, "value": "{{ 7*7 }}", "template": "{{ 7*7 }}", "variable_name": "x"}
    detail = {"conversationId": hostile, "extra": trap, "queueId": str(uuid.uuid4())} | trap
    driver.put(tutorial_end(hostile) | {"Detail": json.dumps(detail)}, tutorial_end(neighbour))
    driver.until_settled(hostile)
    driver.until_settled(neighbour)


def test_nul_surrogates_and_a_megabyte_do_not_stop_other_events(driver: SandboxDriver) -> None:
    """Each such event ends in one of the two tables, and the event beside them is saved."""
    nul, neighbour, big = (str(uuid.uuid4()) for _ in range(3))
    marker = str(uuid.uuid4())
    events = [
        {
            "source": "a\0b",
            "detail-type": "conversation.end",
            "detail": {"conversationId": nul},
        },
        json.loads(event_text(neighbour)),
        {"detail-type": "conversation.end", "detail": {"conversationId": big, "subject": "x" * 1_000_000}},
        {
            "id": marker,
            "detail-type": "conversation.end",
            "detail": {"conversationId": f"\ud800{uuid.uuid4()}"},
        },
    ]
    send_to_buffer(driver, *(json.dumps(event) for event in events))
    for id_ in (nul, neighbour, big):
        driver.until(partial(settled_or_quarantined, driver, id_))
    driver.until(lambda: [r for r in driver.quarantined() if marker in r["event"]])


def settled_or_quarantined(driver: SandboxDriver, interaction_id: str) -> bool:
    """Return whether an interaction has ended in one of the two tables."""
    return bool(driver.settled(interaction_id) or driver.quarantined(interactionId=interaction_id))


def send_to_buffer(driver: SandboxDriver, *bodies: str) -> None:
    """Put messages into the buffer queue, as EventBridge's rule does."""
    sqs = driver.sandbox.client("sqs")
    for body in bodies:
        sqs.send_message(QueueUrl=driver.addresses.buffer_queue_url, MessageBody=body)


def test_runs_are_named_after_what_they_hold(driver: SandboxDriver) -> None:
    """The name of a run is its one interaction's id, or the number of its interactions."""
    one = str(uuid.uuid4())
    alone = driver.finished(driver.create_run([event_text(one), event_text(one)]))
    many = driver.finished(driver.create_run([event_text(str(uuid.uuid4())) for _ in range(3)]))
    assert alone["name"] == one
    assert many["name"] == "3 interactions"


def test_a_repeated_event_leaves_the_conversation_of_its_row(driver: SandboxDriver) -> None:
    """The row names the object that holds its version, after the first event and after a repeated one."""
    id_ = driver.end()
    first = driver.until_settled(id_)
    assert staged_conversation(driver, first)["conversationId"] == id_
    driver.until_later_second(id_)
    driver.finished(driver.create_run([event_text(id_)]))
    again = driver.stored_row(id_)
    assert again["version"] > first["version"]
    assert staged_conversation(driver, again) == staged_conversation(driver, first)


def test_nothing_listens_beyond_this_machine(driver: SandboxDriver) -> None:
    """Every server of the sandbox listens on 127.0.0.1 only."""
    environment = driver.addresses.environment()
    urls = [value for name, value in environment.items() if name.endswith("_URL")]
    assert all(url.startswith("http://127.0.0.1:") for url in urls)
    listening = {
        line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if " 0A " in line
    }
    ports = {f"{int(url.split(':')[2].split('/')[0]):04X}" for url in urls}
    assert {address.split(":")[0] for address in listening if address.split(":")[1] in ports} == {"0100007F"}


def test_an_id_that_is_no_uuid_never_reaches_genesys(driver: SandboxDriver) -> None:
    """An id with a path and markup in it is rejected before any request."""
    nasty = "../../oauth/token?x=" + base64.b64encode(b"<script>").decode()
    run = driver.finished(driver.create_run([event_text(nasty)]))
    assert "malformed-conversation-id" in run["state"]["message"]
    assert nasty not in json.dumps(driver.simulator_state())
