"""Dead letters return to the buffer and archived events to the rule, through the real bridge."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from infra.archive_replay import Replay
from infra.dead_letters import DeadLetterQueue
from infra.errors import InfraError
from infra.stack.bundle import BRIDGE
from tests.support.fake_prefect import FakePrefect
from tests.support.stack import Deployed, eventually, infra

POISON = "11111111-1111-4222-8333-944445555666"
GOOD = "22222222-1111-4222-8333-944445555666"


@pytest.fixture
def bridged(stack: Deployed, prefect: FakePrefect) -> Deployed:
    """Return a deployed stack with the real bridge."""
    stack.bridge = BRIDGE
    stack.deploy(PrefectApiUrl=prefect.url)
    return stack


def dead_letters(bridged: Deployed) -> int:
    """Return how many messages the dead-letter queue has."""
    return DeadLetterQueue(bridged.session.client("sqs"), bridged.outputs).count()


def occurrences(prefect: FakePrefect, interaction: str) -> int:
    """Return how many events of all runs name an interaction."""
    return sum(interaction in text for text in prefect.texts)


def test_redrive_brings_a_refused_message_back(bridged: Deployed, prefect: FakePrefect) -> None:
    """A message that Prefect refuses is dead-lettered alone, with its reason; after the cause is gone it runs."""
    prefect.poison[POISON] = 422
    bridged.put({"conversationId": POISON})
    bridged.put({"conversationId": GOOD})
    eventually(lambda: dead_letters(bridged) and occurrences(prefect, GOOD))
    shown = infra("redrive", typed="no\n")
    assert (shown.returncode, "refused-by-prefect 422" in shown.stdout) == (1, True)
    assert dead_letters(bridged) == 1
    prefect.poison.clear()
    assert "1 sent back" in infra("redrive", "--yes").stdout
    eventually(lambda: occurrences(prefect, POISON))
    assert (dead_letters(bridged), occurrences(prefect, GOOD)) == (0, 1)


def test_an_outage_leaves_no_dead_letter(bridged: Deployed, prefect: FakePrefect) -> None:
    """While Prefect answers 503 nothing is dead-lettered; afterwards everything runs."""
    bridged.deploy(VisibilitySeconds=2)
    prefect.faults.extend([503] * 3)
    bridged.put({"conversationId": GOOD})
    eventually(lambda: occurrences(prefect, GOOD))
    assert dead_letters(bridged) == 0


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
    queue, began = DeadLetterQueue(sqs, bridged.outputs), time.monotonic()
    steps: list[int] = []
    assert queue.redrive(20, steps.append) == 30
    assert (time.monotonic() - began > 1.2, sum(steps), queue.count()) == (True, 30, 0)


def test_looking_leaves_the_messages_in_the_queue(bridged: Deployed) -> None:
    """A second look finds the same reasons, counts and times."""
    sqs = bridged.session.client("sqs")
    reason = {"ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"}}
    for attributes in (reason, reason, {}):
        sqs.send_message(
            QueueUrl=bridged.outputs["DeadLetterQueueUrl"],
            MessageBody="{}",
            MessageAttributes=attributes,  # type: ignore[arg-type]
        )
    queue = DeadLetterQueue(sqs, bridged.outputs)
    first, second = queue.look(), queue.look()
    assert first == second
    total, reasons = first
    assert (total, [(each.text, each.count) for each in reasons]) == (
        3,
        [("NO_PERMISSIONS", 2), ("received too often without being accepted", 1)],
    )
    assert all(datetime.now(UTC) - each.since < timedelta(minutes=1) for each in reasons)


def test_a_replay_runs_what_it_brings_back(bridged: Deployed, prefect: FakePrefect) -> None:
    """An archived event arrives again with the replay's name, in a run of its own."""
    began = datetime.now(UTC) - timedelta(seconds=2)
    bridged.put({"conversationId": GOOD})
    eventually(lambda: occurrences(prefect, GOOD))
    answer = infra("replay", "--from", began.strftime("%Y-%m-%dT%H:%M:%S"))
    assert (answer.returncode, "completed" in answer.stdout) == (0, True)
    eventually(lambda: occurrences(prefect, GOOD) == 2)
    assert ["replay-name" in json.loads(text) for text in prefect.texts] == [False, True]


def test_a_replay_of_nothing_is_refused(bridged: Deployed) -> None:
    """An interval that ends before it begins is rejected, and no replay is started."""
    assert infra("replay", "--from", "2026-02-01", "--to", "2026-01-01").returncode == 2
    assert bridged.session.client("events").list_replays()["Replays"] == []


def test_without_an_archive_the_error_says_how_to_make_one(bridged: Deployed) -> None:
    """A stack without an archive names the flag of deploy."""
    outputs = {name: value for name, value in bridged.outputs.items() if name != "ArchiveArn"}
    with pytest.raises(InfraError, match="deploy --archive"):
        Replay(bridged.session.client("events"), outputs)


class RecordingEvents:
    """A client of EventBridge that keeps the replay request, and can report another state."""

    def __init__(self, events: Any, state: str = "") -> None:
        self.events, self.state = events, state
        self.request: dict[str, Any] = {}

    def start_replay(self, **request: Any) -> Any:
        """Keep the request."""
        self.request = request
        return self.events.start_replay(**request)

    def describe_replay(self, **request: Any) -> Any:
        """Return the replay in the state that the test sets."""
        found = self.events.describe_replay(**request)
        return found | {"State": self.state or found["State"]}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.events, name)


def test_a_replay_names_this_rule_only(bridged: Deployed) -> None:
    """The emulator ignores the filter, so the request is checked."""
    recorder: Any = RecordingEvents(bridged.session.client("events"))
    Replay(recorder, bridged.outputs).start(
        datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    )
    assert recorder.request["Destination"]["FilterArns"] == [bridged.outputs["RuleArn"]]
    assert recorder.request["EventSourceArn"] == bridged.outputs["ArchiveArn"]
    assert len(recorder.request["ReplayName"]) <= 64


def test_a_replay_is_followed_until_it_is_over(bridged: Deployed) -> None:
    """Each change is reported once, and the final state is returned."""
    recorder: Any = RecordingEvents(bridged.session.client("events"), "RUNNING")
    replay = Replay(recorder, bridged.outputs, 0.01)
    lines: list[str] = []
    name = replay.start(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))

    def report(line: str) -> None:
        lines.append(line)
        recorder.state = "CANCELLED"

    assert replay.follow(name, report) == "CANCELLED"
    assert lines == ["running", "cancelled"]


def test_a_replay_can_be_cancelled() -> None:
    """The request names exactly this replay."""
    client = boto3.client("events", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubbed:
        stubbed.add_response("cancel_replay", {"State": "CANCELLING"}, {"ReplayName": "r"})
        Replay(client, {"ArchiveArn": "a", "RuleName": "r"}).cancel("r")
        stubbed.assert_no_pending_responses()
