"""The way of an event, seen from outside: put on the bus, found in a table and in the Prefect API."""

from __future__ import annotations

import base64
import gzip
import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from tasks.records import build_record
from tests.integration.sandbox import Driver

KINDS = ("json", "jinja", "workspace_variable", "none", "an-unknown-kind")


def tutorial_end(interaction_id: str) -> dict[str, Any]:
    """The first tutorial shape, as put_events takes it."""
    detail = {"conversationId": interaction_id, "queueId": str(uuid.uuid4()), "mediaType": "voice"}
    return {
        "Source": "com.genesyscloud.platform",
        "DetailType": "conversation.end",
        "Detail": json.dumps(detail),
    }


def tutorial_update(interaction_id: str) -> dict[str, Any]:
    """The second tutorial shape, one record."""
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


def event_text(interaction_id: str, **more: Any) -> str:
    """A tutorial event as it travels to the flow."""
    return json.dumps(
        {
            "id": str(uuid.uuid4()),
            "source": "com.genesyscloud.platform",
            "detail-type": "conversation.end",
            "detail": {"conversationId": interaction_id} | more,
        }
    )


def test_a_real_event_ends_as_the_true_record(driver: Driver) -> None:
    """A partner event on the bus becomes one settled row that equals what Genesys holds."""
    id_ = driver.end()
    row = driver.until(lambda: driver.settled(id_))
    truth = requests.get(f"{driver.addresses.genesys_api_url}/_sim/conversations/{id_}", timeout=10)
    conversation = json.loads(truth.text, parse_float=Decimal)
    expected = build_record(conversation, datetime.now(UTC)).content
    assert {name: row[name] for name in expected} == expected
    assert row["contentHash"] == build_record(conversation, datetime.now(UTC)).content_hash
    assert row["attempt"] == 1
    assert row["eventType"] == "customer.end"


@pytest.mark.parametrize("shape", [tutorial_end, tutorial_update])
def test_both_tutorial_events_end_as_rows(driver: Driver, shape: Any) -> None:
    """The simplified events of the tutorials take the same way as the real ones."""
    id_ = str(uuid.uuid4())
    driver.put(shape(id_))
    assert driver.until(lambda: driver.settled(id_))["interactionId"] == id_


def test_a_list_of_records_is_taken_by_a_bridge_invoked_by_hand(driver: Driver) -> None:
    """A `detail` that is a list cannot travel over a bus; the bridge takes it, and each record is a row."""
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
        driver.until(lambda id_=id_: driver.settled(id_))


def test_an_event_without_an_id_is_quarantined_and_named(driver: Driver) -> None:
    """An invalid event is one row in quarantine, and its run is Failed with a message that names it."""
    marker = str(uuid.uuid4())
    entry = tutorial_end("x") | {"Detail": json.dumps({"queueId": marker})}
    driver.put(entry)
    row = driver.until(lambda: next(iter(r for r in driver.quarantined() if marker in r["event"]), None))
    assert (row["reason"], row["code"], row["count"]) == ("rejected", "missing-conversation-id", 1)
    assert "detail.conversationId" in row["error"]
    run = driver.finished(row["flowRunId"])
    assert run["state_type"] == "FAILED"
    assert row["eventId"] in run["state"]["message"]


def test_the_good_events_of_a_bad_batch_are_saved(driver: Driver) -> None:
    """One bad event costs no good one, and a repeated one is one row: each event has exactly one outcome."""
    good, twice = str(uuid.uuid4()), str(uuid.uuid4())
    run_id = driver.create_run([event_text(good), "no JSON", *[event_text(twice) for _ in range(5)]])
    run = driver.finished(run_id)
    assert run["state_type"] == "FAILED"
    assert "1 of 7 events rejected" in run["state"]["message"]
    assert "2 saved, 4 unchanged, 0 deferred, 1 rejected, 0 failed" in run["state"]["message"]
    assert driver.settled(good)
    assert driver.settled(twice)
    assert len(driver.outcomes(run_id)) == 7


def test_the_same_event_five_times_on_the_bus_is_one_row(driver: Driver) -> None:
    """At-least-once delivery ends as one saved and four unchanged."""
    id_ = str(uuid.uuid4())
    entry = tutorial_end(id_)
    for _ in range(5):
        driver.put(entry)

    def all_outcomes() -> list[str] | None:
        runs = [run for run in driver.runs_with(id_) if run["state_type"] == "COMPLETED"]
        rows = [row for run in runs for row in driver.outcomes(run["id"]) if row["interactionId"] == id_]
        return sorted(row["outcome"] for row in rows) if len(rows) == 5 else None

    assert driver.until(all_outcomes) == ["saved", *["unchanged"] * 4]


@pytest.mark.parametrize("kind", KINDS)
def test_what_prefect_would_execute_stays_text(driver: Driver, kind: str) -> None:
    """An event that carries `__prefect_kind` ends as a row, unexecuted, and so does its neighbour."""
    hostile, neighbour = str(uuid.uuid4()), str(uuid.uuid4())
    trap = {"__prefect_kind": kind, "value": "{{ 7*7 }}", "template": "{{ 7*7 }}", "variable_name": "x"}
    detail = {"conversationId": hostile, "extra": trap, "queueId": str(uuid.uuid4())} | trap
    driver.put(tutorial_end(hostile) | {"Detail": json.dumps(detail)}, tutorial_end(neighbour))
    driver.until(lambda: driver.settled(hostile))
    driver.until(lambda: driver.settled(neighbour))


def test_nul_surrogates_and_a_megabyte_cost_nobody_anything(driver: Driver) -> None:
    """Text that breaks databases and servers ends in one of the two tables, and its neighbours are saved."""
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
        driver.until(lambda id_=id_: driver.settled(id_) or driver.quarantined(interactionId=id_))
    driver.until(lambda: [r for r in driver.quarantined() if marker in r["event"]])


def send_to_buffer(driver: Driver, *bodies: str) -> None:
    """Put messages into the buffer as the rule would, whatever they hold."""
    sqs = driver.sandbox.client("sqs")
    for body in bodies:
        sqs.send_message(QueueUrl=driver.addresses.buffer_queue_url, MessageBody=body)


def test_runs_are_named_after_what_they_hold(driver: Driver) -> None:
    """A run that holds one interaction has its id as its name, a larger one says its size."""
    one = str(uuid.uuid4())
    alone = driver.finished(driver.create_run([event_text(one), event_text(one)]))
    many = driver.finished(driver.create_run([event_text(str(uuid.uuid4())) for _ in range(3)]))
    assert alone["name"] == one
    assert many["name"] == "3 interactions"


def test_the_whole_conversation_is_kept_once_for_each_content(driver: Driver) -> None:
    """With a bucket, what Genesys sent is an object under its content's hash; a repeat adds none."""
    id_ = driver.end()
    driver.until(lambda: driver.settled(id_))
    driver.finished(driver.create_run([event_text(id_)]))
    listed = driver.until(lambda: archived(driver, id_))
    assert len(listed) == 1
    body = driver.sandbox.client("s3").get_object(Bucket=driver.addresses.conversation_bucket, Key=listed[0])
    assert json.loads(gzip.decompress(body["Body"].read()))["conversationId"] == id_


def archived(driver: Driver, interaction_id: str) -> list[str]:
    """The keys of an interaction's objects."""
    answer = driver.sandbox.client("s3").list_objects_v2(
        Bucket=driver.addresses.conversation_bucket, Prefix=f"conversations/{interaction_id}/"
    )
    return [entry["Key"] for entry in answer.get("Contents", [])]


def test_nothing_listens_beyond_this_machine(driver: Driver) -> None:
    """Every server of the sandbox is on 127.0.0.1 only."""
    environment = driver.addresses.environment()
    urls = [value for name, value in environment.items() if name.endswith("_URL")]
    assert all(url.startswith("http://127.0.0.1:") for url in urls)
    listening = {
        line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if " 0A " in line
    }
    ports = {f"{int(url.split(':')[2].split('/')[0]):04X}" for url in urls}
    assert {address.split(":")[0] for address in listening if address.split(":")[1] in ports} == {"0100007F"}


def test_an_id_that_only_looks_like_one_never_reaches_genesys(driver: Driver) -> None:
    """Injection in an id is rejected before any request is made."""
    nasty = "../../oauth/token?x=" + base64.b64encode(b"<script>").decode()
    run = driver.finished(driver.create_run([event_text(nasty)]))
    assert "malformed-conversation-id" in run["state"]["message"]
    assert nasty not in json.dumps(driver.simulator_state())
