"""Packed events: what the bridge packs is what the flow reads, and only for a flow that says so."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import pytest
from batching import Message, batch_name, make_batches
from compression import RATIO, packed, reads_packed

from flows.process_interactions import process_interactions
from flows.runs.current_run import batch_run_name
from tasks.events import interaction_ids, unpacked
from tasks.validate import validated
from tests.support.bridge import Bridge, names
from tests.support.bridge_messages import messages
from tests.support.events import envelope, new_ids
from tests.support.fake_prefect import FakePrefect

SOURCE = "aws.partner/genesys.com/cloud/3f1c7c2e-5b0e-4a57-9d5e-0c6f0a1b2c3d/interactions"
LIMIT = 500_000
"""The default of MAX_PARAMETER_BYTES."""


def real_sized(count: int, delivery: str = "m") -> tuple[list[str], list[Message]]:
    """Return new interactions, and a message of the size of Genesys's own for each."""
    ids = new_ids(count)
    bodies = [envelope(id_).replace("genesys.com/cloud/sandbox-org/sandbox", SOURCE) for id_ in ids]
    return ids, [Message.of(f"{delivery}{n}", body) for n, body in enumerate(bodies)]


def test_the_flow_reads_what_the_bridge_packs() -> None:
    """Every event, in its order; the ids that name the run and that reconcile looks for are found in it."""
    ids, given = real_sized(2_000)
    texts = [each.text for each in given]

    parameter = packed(texts)

    assert len(parameter) == 1
    assert unpacked(parameter) == texts
    assert interaction_ids(parameter) == set(ids)
    assert len(validated(unpacked(parameter)).works) == 2_000


def test_two_thousand_events_fit_into_the_parameters_of_one_run() -> None:
    """Unpacked they need more than twice what Prefect takes."""
    _, given = real_sized(2_000)

    (batch,) = make_batches(given, max_events=2_000, max_bytes=LIMIT * RATIO)

    assert sum(each.size for each in batch) > 2 * LIMIT
    assert len(packed([each.text for each in batch])[0]) < LIMIT


def test_a_small_batch_stays_readable() -> None:
    """A person sees its events in Prefect's UI."""
    _, given = real_sized(100)
    texts = [each.text for each in given]
    assert packed(texts) == texts


@pytest.mark.parametrize(
    "text",
    [
        "deflate:",
        "deflate:not base64!",
        "deflate:" + base64.b64encode(b"no zlib").decode(),
        "deflate:" + base64.b64encode(zlib.compress(b"x" * 1000)[:-4]).decode(),
        "deflate:" + base64.b64encode(zlib.compress(bytes(20_000_000))).decode(),
        "deflate:" + base64.b64encode(zlib.compress("ä".encode())).decode(),
    ],
    ids=["empty", "no base64", "no zlib", "cut off", "twenty megabytes", "not ASCII"],
)
def test_what_cannot_be_unpacked_is_rejected_as_it_is(text: str) -> None:
    """It becomes a row in quarantine, and its neighbours are read."""
    good = real_sized(1)[1][0].text
    assert unpacked([text, good]) == [text, good]
    batch = validated(unpacked([text, good]))
    assert [each.code for each in batch.rejections] == ["not-json"]
    assert len(batch.works) == 1


def test_the_deployment_says_that_its_flow_reads_packed_events() -> None:
    """The bridge finds the mark in the schema that `prefect deploy` registers."""
    schema = process_interactions.parameters.model_dump()
    assert reads_packed({"parameter_openapi_schema": schema})


@pytest.mark.parametrize(
    "deployment",
    [
        {},
        {"parameter_openapi_schema": None},
        {"parameter_openapi_schema": {"properties": {"events": {"type": "array"}}}},
        {"parameter_openapi_schema": {"properties": {"events": {"packed": "another way"}}}},
    ],
)
def test_another_flow_is_given_plain_events(deployment: dict[str, Any]) -> None:
    """A deployment of a former release."""
    assert not reads_packed(deployment)


def test_a_large_batch_is_one_run(bridge: Bridge, prefect: FakePrefect) -> None:
    """Its name says how many interactions it has: the flow need not read them all for that."""
    ids, given = real_sized(1_000)

    report = bridge.deliver(given)

    assert report.accepted == names(given)
    (run,) = prefect.runs.values()
    assert len(run["parameters"]["events"]) == 1
    assert interaction_ids(run["parameters"]["events"]) == set(ids)
    assert run["name"] == "1000 interactions"


def test_a_flow_that_reads_no_packed_events_gets_each_as_a_text(bridge: Bridge, prefect: FakePrefect) -> None:
    """In as many runs as its limit asks for."""
    prefect.reads_packed = False
    _, given = real_sized(2_000)

    assert bridge.deliver(given).accepted == names(given)

    assert len(prefect.runs) > 1
    sent = [text for run in prefect.runs.values() for text in run["parameters"]["events"]]
    assert sorted(sent) == sorted(each.text for each in given)


def test_the_bridge_follows_what_is_deployed(
    bridge: Bridge, prefect: FakePrefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a minute: by then it looks the deployment up again."""
    prefect.reads_packed = False
    process = bridge.process()
    process.deliver(real_sized(300, "first")[1], bridge.remaining)
    prefect.reads_packed = True

    process.deliver(real_sized(300, "second")[1], bridge.remaining)
    monkeypatch.setattr("prefect_api.KNOWN_SECONDS", 0.0)
    process.deliver(real_sized(300, "third")[1], bridge.remaining)

    assert [len(run["parameters"]["events"]) for run in prefect.runs.values()] == [300, 300, 1]


def test_a_batch_that_packs_badly_is_split(bridge: Bridge, prefect: FakePrefect) -> None:
    """Prefect refuses what is too large even packed; the parts fit."""
    prefect.largest = 100_000
    _, given = real_sized(1_000)

    assert bridge.deliver(given).accepted == names(given)

    assert len(prefect.runs) > 1
    assert not bridge.letters.sent


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (messages(1), None),
        (messages(1, 2), "2 interactions"),
        ([Message.of("m1", "no JSON")], "1 event without an interaction"),
        ([Message.of("m1", "no JSON"), Message.of("m2", "[]")], "2 events without an interaction"),
    ],
)
def test_bridge_and_flow_give_a_run_the_same_name(
    given: list[Message], name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flow keeps the bridge's; a name that Prefect made up is replaced by the same."""
    wanted = name or given[0].interactions[0]
    assert batch_name(given) == wanted
    for found in (wanted, "curious-otter"):
        run = {"name": found, "parameters": {"events": [each.text for each in given]}}
        monkeypatch.setattr("flows.runs.current_run.flow_run", type("Run", (), run))
        assert batch_run_name() == wanted
