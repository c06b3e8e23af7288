"""Bringing events back: dead letters to the buffer, and the archive to the rule, through the real bridge."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from infra.archive import Replay
from infra.bundle import BRIDGE
from infra.errors import InfraError
from infra.redriving import DeadLetterBox
from tests.infra.aws import (
    Deployed,
    aided_emulator,  # noqa: F401
    aws,  # noqa: F401
    eventually,
    infra,
    received,  # noqa: F401
    stack,  # noqa: F401
)
from tests.infra.fake_prefect import FakePrefect

POISON = "11111111-1111-4222-8333-944445555666"
GOOD = "22222222-1111-4222-8333-944445555666"


@pytest.fixture
def prefect() -> Iterator[FakePrefect]:
    """Return a running Prefect API."""
    with FakePrefect().serving() as fake:
        yield fake


@pytest.fixture
def bridged(stack: Deployed, prefect: FakePrefect) -> Deployed:  # noqa: F811
    """Return a stack with the real bridge."""
    stack.bridge = BRIDGE
    stack.deploy(PrefectApiUrl=prefect.url)
    return stack


def dead(bridged: Deployed) -> int:
    """Return how many dead letters there are."""
    return DeadLetterBox(bridged.session.client("sqs"), bridged.outputs).count()


def times(prefect: FakePrefect, interaction: str) -> int:
    """Return in how many events of runs an interaction is."""
    return sum(interaction in text for text in prefect.texts)


def test_redrive_brings_a_refused_message_back(bridged: Deployed, prefect: FakePrefect) -> None:
    """What Prefect refuses by itself is dead with its reason, its neighbours are not; mended, it runs."""
    prefect.poison[POISON] = 422
    bridged.put({"conversationId": POISON})
    bridged.put({"conversationId": GOOD})
    eventually(lambda: dead(bridged) and times(prefect, GOOD))
    looked = infra("redrive", typed="no\n")
    assert (looked.returncode, "refused-by-prefect 422" in looked.stdout) == (1, True)
    assert dead(bridged) == 1
    prefect.poison.clear()
    assert "1 sent back" in infra("redrive", "--yes").stdout
    eventually(lambda: times(prefect, POISON))
    assert (dead(bridged), times(prefect, GOOD)) == (0, 1)


def test_an_outage_leaves_no_dead_letter(bridged: Deployed, prefect: FakePrefect) -> None:
    """While Prefect answers 503 nothing dies; afterwards everything runs."""
    bridged.deploy(VisibilitySeconds=2)
    prefect.faults.extend([503] * 3)
    bridged.put({"conversationId": GOOD})
    eventually(lambda: times(prefect, GOOD), 30)
    assert dead(bridged) == 0


def test_without_dead_letters_there_is_nothing_to_do(bridged: Deployed) -> None:
    """Redrive says so and succeeds."""
    assert "There are no dead letters" in infra("redrive").stdout
    assert bridged.outputs


def test_redrive_keeps_to_its_rate(bridged: Deployed) -> None:
    """Thirty messages at twenty a second take more than a second, and none is lost."""
    sqs = bridged.session.client("sqs")
    for number in range(30):
        sqs.send_message(
            QueueUrl=bridged.outputs["DeadLetterQueueUrl"], MessageBody=json.dumps({"n": number})
        )
    box, steps, began = DeadLetterBox(sqs, bridged.outputs), [], time.monotonic()
    assert box.redrive(20, steps.append) == 30
    assert (time.monotonic() - began > 1.2, sum(steps), box.count()) == (True, 30, 0)


def test_a_look_takes_nothing_away(bridged: Deployed) -> None:
    """Looking twice sees the same: why, how many, since when."""
    sqs = bridged.session.client("sqs")
    reason = {"ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"}}
    for attributes in (reason, reason, {}):
        sqs.send_message(
            QueueUrl=bridged.outputs["DeadLetterQueueUrl"],
            MessageBody="{}",
            MessageAttributes=attributes,  # type: ignore[arg-type]
        )
    box = DeadLetterBox(sqs, bridged.outputs)
    first, second = box.look(), box.look()
    assert first == second
    total, reasons = first
    assert (total, [(each.text, each.count) for each in reasons]) == (
        3,
        [("NO_PERMISSIONS", 2), ("received too often without being accepted", 1)],
    )
    assert all(datetime.now(UTC) - each.since < timedelta(minutes=1) for each in reasons)


def test_a_replay_runs_what_it_brings_back(bridged: Deployed, prefect: FakePrefect) -> None:
    """An archived event travels again, marked with the replay's name, and is a run of its own."""
    began = datetime.now(UTC) - timedelta(seconds=2)
    bridged.put({"conversationId": GOOD})
    eventually(lambda: times(prefect, GOOD))
    answer = infra("replay", "--from", began.strftime("%Y-%m-%dT%H:%M:%S"))
    assert (answer.returncode, "completed" in answer.stdout) == (0, True)
    eventually(lambda: times(prefect, GOOD) == 2)
    assert ["replay-name" in json.loads(text) for text in prefect.texts] == [False, True]


def test_a_replay_of_nothing_is_refused(bridged: Deployed) -> None:
    """An interval that ends before it begins is a slip of the pen, told without a replay."""
    assert infra("replay", "--from", "2026-02-01", "--to", "2026-01-01").returncode == 2
    assert bridged.session.client("events").list_replays()["Replays"] == []


def test_without_an_archive_the_mend_is_told(bridged: Deployed) -> None:
    """A stack that was deployed without an archive says how to have one."""
    outputs = {name: value for name, value in bridged.outputs.items() if name != "ArchiveArn"}
    with pytest.raises(InfraError, match="deploy --archive"):
        Replay(bridged.session.client("events"), outputs)


class Recorder:
    """Passes calls on to EventBridge and keeps the replay that was asked for."""

    def __init__(self, events: Any, state: str = "") -> None:
        self.events, self.asked, self.state = events, {}, state

    def start_replay(self, **request: Any) -> Any:
        """Keep what is asked for."""
        self.asked = request
        return self.events.start_replay(**request)

    def describe_replay(self, **request: Any) -> Any:
        """Tell the state that the test wishes."""
        found = self.events.describe_replay(**request)
        return found | {"State": self.state or found["State"]}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.events, name)


def test_a_replay_asks_for_this_rule_alone(bridged: Deployed) -> None:
    """The request names the rule: the emulator ignores it, EventBridge does not."""
    recorder = Recorder(bridged.session.client("events"))
    Replay(recorder, bridged.outputs).start(
        datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    )  # type: ignore[arg-type]
    assert recorder.asked["Destination"]["FilterArns"] == [bridged.outputs["RuleArn"]]
    assert recorder.asked["EventSourceArn"] == bridged.outputs["ArchiveArn"]
    assert len(recorder.asked["ReplayName"]) <= 64


def test_a_replay_is_followed_until_it_is_over(bridged: Deployed) -> None:
    """Progress is told once a change, and the last state is the answer."""
    recorder = Recorder(bridged.session.client("events"), "RUNNING")
    replay, lines = Replay(recorder, bridged.outputs, 0.01), []  # type: ignore[arg-type]
    name = replay.start(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))

    def told(line: str) -> None:
        lines.append(line)
        recorder.state = "CANCELLED"

    assert replay.follow(name, told) == "CANCELLED"
    assert lines == ["running", "cancelled"]


def test_a_replay_can_be_cancelled() -> None:
    """Cancelling asks EventBridge for exactly this replay."""
    client = boto3.client("events", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubbed:
        stubbed.add_response("cancel_replay", {"State": "CANCELLING"}, {"ReplayName": "r"})
        Replay(client, {"ArchiveArn": "a", "RuleName": "r"}).cancel("r")
        stubbed.assert_no_pending_responses()
