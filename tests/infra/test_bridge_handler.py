"""The Lambda function as AWS calls it, with an emulated SQS and Secrets Manager."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import handler as bridge
import pytest

from tasks.events import parse
from tests.infra.bridge_messages import customer_end, interaction, records
from tests.infra.fake_prefect import FakePrefect


class Context:
    """What Lambda gives with an invocation."""

    aws_request_id = "invocation-1"

    def __init__(self, seconds: float = 30) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return always the same."""
        return int(self.seconds * 1000)


@pytest.fixture
def client(emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Return what makes clients of the emulator, which the bridge finds through the environment too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    made: list[Any] = []

    def make(service: str) -> Any:
        made.append(boto3.client(service))  # type: ignore[call-overload]
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def dead_letters(
    client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return what reads the dead-letter queue that the bridge is told of."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", url)

    def read() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while got := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            found += got
        return found

    yield read
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def cold(
    prefect: FakePrefect,
    dead_letters: Callable[[], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Any]]:
    """Return the handler of a process that has just started, with the given environment."""
    del dead_letters
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)

    def start(**environment: str) -> Any:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        bridge.bridge.cache_clear()
        return bridge.handler

    yield start
    bridge.bridge.cache_clear()


def test_everything_accepted_is_an_empty_list(cold: Callable[..., Any], prefect: FakePrefect) -> None:
    """AWS deletes all messages when no failure is named."""
    event = records(*[customer_end(n) for n in range(10)])

    assert cold()(event, Context()) == {"batchItemFailures": []}
    assert len(prefect.texts) == 10


def test_ten_thousand_messages_go_in_a_few_runs(cold: Callable[..., Any], prefect: FakePrefect) -> None:
    """The largest batch that AWS hands over is delivered in one invocation."""
    event = records(*[customer_end(n) for n in range(10_000)])

    assert cold()(event, Context()) == {"batchItemFailures": []}
    assert len(prefect.texts) == len(set(prefect.texts)) == 10_000
    assert len(prefect.runs) == 10  # a thousand of these events are 480,000 bytes


def test_an_outage_names_every_message(cold: Callable[..., Any], prefect: FakePrefect) -> None:
    """AWS delivers the named messages again."""
    prefect.faults.append(502)

    assert cold()(records("{}", "{}"), Context()) == {
        "batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m1"}]
    }


def test_an_outage_names_nothing_that_was_accepted(cold: Callable[..., Any], prefect: FakePrefect) -> None:
    """Only what has no run comes back."""
    prefect.faults.extend([None, 502])

    answer = cold(MAX_EVENTS="1")(records(*[customer_end(n) for n in range(3)]), Context())

    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ["m1", "m2"]


def test_an_invocation_without_time_posts_nothing(cold: Callable[..., Any], prefect: FakePrefect) -> None:
    """With three seconds left nothing is begun."""
    answer = cold()(records("{}"), Context(seconds=3))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert prefect.seen == []


def test_a_message_that_is_handed_over_twice_goes_once(
    cold: Callable[..., Any], prefect: FakePrefect
) -> None:
    """One id, one event, whatever the queue does."""
    event = records(customer_end(1))

    cold()({"Records": event["Records"] * 2}, Context())

    assert len(prefect.texts) == 1


@pytest.mark.parametrize("context", [None, Context()])
def test_an_event_given_by_hand_runs(
    cold: Callable[..., Any], prefect: FakePrefect, context: Context | None
) -> None:
    """A bare EventBridge event is taken, and the answer is a summary."""
    answer = cold()(customer_end(1), context)

    assert (answer["received"], answer["accepted"], answer["returned"]) == (1, 1, 0)
    assert list(answer["runs"]) == [run["id"] for run in prefect.runs.values()]


def test_a_list_of_events_given_by_hand_runs(cold: Callable[..., Any], prefect: FakePrefect) -> None:
    """The list form is taken event by event."""
    assert cold()([customer_end(1), customer_end(2), "oops"], None)["accepted"] == 3
    assert len(prefect.texts) == 3


def test_an_event_whose_detail_is_a_list_runs(cold: Callable[..., Any], prefect: FakePrefect) -> None:
    """The tutorial's list of records travels as one event."""
    detail = [{"detail": {"interactionId": interaction(n)}} for n in range(3)]

    assert cold()({"detail-type": "Conversation Update", "detail": detail}, None)["accepted"] == 1
    assert json.loads(prefect.texts[0])["detail"] == detail


def ten_thousand_records() -> dict[str, Any]:
    """Return a tutorial's event that is as large as a queue takes it."""
    detail = [{"detail": {"interactionId": interaction(n), "type": "update"}} for n in range(10_000)]
    return {"id": "e-1", "source": "gen.cloud.events", "detail-type": "Conversation Update", "detail": detail}


def test_a_list_of_ten_thousand_records_goes_in_several_runs(
    cold: Callable[..., Any], prefect: FakePrefect
) -> None:
    """One message too large for a run is taken apart; every record is an event with an id of its own."""
    assert cold()(records(ten_thousand_records()), Context()) == {"batchItemFailures": []}

    read = [each for text in prefect.texts for each in parse(text)]
    assert [each.interaction_id for each in read] == [interaction(n) for n in range(10_000)]
    assert len({each.event_id for each in read}) == 10_000
    sizes = [len(json.dumps(run["parameters"], separators=(",", ":"))) for run in prefect.runs.values()]
    assert len(sizes) == 10
    assert max(sizes) <= 500_000


def test_a_list_that_was_accepted_in_part_comes_back_whole(
    cold: Callable[..., Any], prefect: FakePrefect
) -> None:
    """AWS is told of the one message once; delivered again, what had a run has that run."""
    prefect.faults.extend([None, None, 502])
    invoke, event = cold(), records(customer_end(1), ten_thousand_records(), customer_end(2))

    answer = invoke(event, Context())
    assert {"itemIdentifier": "m1"} in answer["batchItemFailures"]
    assert len(answer["batchItemFailures"]) == len(
        {each["itemIdentifier"] for each in answer["batchItemFailures"]}
    )
    before = set(prefect.runs)

    assert invoke(event, Context()) == {"batchItemFailures": []}
    assert before < set(prefect.runs)
    read = [each for text in prefect.texts for each in parse(text)]
    assert len({each.interaction_id for each in read}) == 10_000


@pytest.mark.parametrize("change", [{"detail-type": "conversation.end"}, {"id": 7}])
def test_a_list_that_will_be_rejected_is_one_event(
    cold: Callable[..., Any], prefect: FakePrefect, change: dict[str, Any]
) -> None:
    """What is refused as a whole is in quarantine once."""
    cold()(records(ten_thousand_records() | change), Context())

    assert len(prefect.texts) == 1


def test_an_event_given_by_hand_is_not_lost_in_silence(
    cold: Callable[..., Any], prefect: FakePrefect
) -> None:
    """What was not accepted raises, so that whoever gave it gives it again; the same call is the same run."""
    prefect.faults.extend(["drop after"] * 2)
    invoke = cold()

    with pytest.raises(bridge.NotAccepted) as raised:
        invoke(customer_end(1), Context())
    assert interaction(1) not in str(raised.value)

    invoke(customer_end(1), Context())
    assert len(prefect.runs) == 1


def test_two_calls_by_hand_are_two_runs(cold: Callable[..., Any], prefect: FakePrefect) -> None:
    """Without an invocation's id nothing is deduplicated: who calls twice means it."""
    invoke = cold()
    invoke(customer_end(1), None)
    invoke(customer_end(1), None)

    assert len(prefect.runs) == 2


def test_poison_arrives_in_the_dead_letter_queue_as_it_came(
    dead_letters: Callable[[], list[dict[str, Any]]], cold: Callable[..., Any], prefect: FakePrefect
) -> None:
    """The body is the original, the reason stands in the attributes, and the message counts as handled."""
    prefect.poison = {interaction(1): 422}
    event = records(*[customer_end(n) for n in range(4)])

    assert cold()(event, Context()) == {"batchItemFailures": []}

    (letter,) = dead_letters()
    assert letter["Body"] == event["Records"][1]["body"]
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert told.pop("reason").startswith("Error creating flow run")
    assert told == {"code": "refused-by-prefect", "status": "422", "messageId": "m1", "form": "original"}


@pytest.mark.parametrize("size", [1_045_000, 1_048_576])
def test_poison_that_fills_a_message_still_arrives(
    dead_letters: Callable[[], list[dict[str, Any]]],
    cold: Callable[..., Any],
    prefect: FakePrefect,
    size: int,
) -> None:
    """A body that leaves no room for the reason is dead-lettered as what travels of it."""
    prefect.poison = {interaction(1): 409}
    event = json.dumps(customer_end(1))
    event = event.replace("About my divorce", "x" * (size - len(event) + len("About my divorce")))

    assert cold()(records(event), Context()) == {"batchItemFailures": []}

    (letter,) = dead_letters()
    assert letter["MessageAttributes"]["form"]["StringValue"] == "slim"
    assert json.loads(letter["Body"])["detail"]["eventBody"]["conversationId"] == interaction(1)


def test_poison_goes_back_when_the_queue_is_not_there(cold: Callable[..., Any], prefect: FakePrefect) -> None:
    """A dead-letter queue that does not take the message leaves it in the buffer."""
    prefect.poison = {interaction(1): 409}
    url = f"{prefect.url}/000000000000/nowhere"

    answer = cold(DEAD_LETTER_QUEUE_URL=url)(records(customer_end(1)), Context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_the_key_comes_from_secrets_manager_and_is_read_again_after_a_rotation(
    cold: Callable[..., Any], prefect: FakePrefect, client: Callable[[str], Any]
) -> None:
    """One process goes on with the new key when the old one is refused."""
    secrets = client("secretsmanager")
    arn = secrets.create_secret(Name="prefect", SecretString='{"api_key": "one"}')["ARN"]
    prefect.authorization = "Bearer one"
    invoke = cold(PREFECT_SECRET_ARN=arn)
    assert invoke(records(customer_end(1)), Context()) == {"batchItemFailures": []}

    secrets.put_secret_value(SecretId=arn, SecretString="two")
    prefect.authorization = "Bearer two"
    assert invoke(records(customer_end(2), prefix="n"), Context()) == {"batchItemFailures": []}


def test_a_secret_that_cannot_be_read_is_an_outage(cold: Callable[..., Any], prefect: FakePrefect) -> None:
    """Without the key nothing is sent at all."""
    invoke = cold(PREFECT_SECRET_ARN="arn:aws:secretsmanager:us-east-1:000000000000:secret:none")

    assert invoke(records("{}"), Context()) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert prefect.seen == []


def test_without_a_secret_no_key_is_sent(cold: Callable[..., Any], prefect: FakePrefect) -> None:
    """A server without authentication sees none."""
    cold()(records("{}"), Context())

    assert not any("Authorization" in headers for headers in prefect.headers)


def test_an_invocation_is_one_line_of_json_without_the_event(
    cold: Callable[..., Any],
    prefect: FakePrefect,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The log counts, names runs and refused messages, and holds nothing of an event."""
    prefect.poison = {interaction(1): 422, interaction(2): 500}

    cold()(records(*[customer_end(n) for n in range(5)], "call 3175550123"), Context())

    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["received"], told["accepted"], told["deadLettered"], told["returned"]) == (6, 4, 1, 1)
    assert told["refusals"] == {"m1": "dead-lettered-422", "m2": "refused-with-500"}
    assert set(told["runs"]) == {run["id"] for run in prefect.runs.values()}
    assert not any(interaction(n) in line for n in range(5))
    assert not any(word in line for word in ("3175550", "john.doe", "customer.end", "Error creating"))


def test_the_bridge_needs_nothing_but_what_a_lambda_has() -> None:
    """Every import that happens at run time is the standard library's, boto3's or a neighbour's."""
    folder = Path(bridge.__file__).parent
    neighbours = {path.stem for path in folder.glob("*.py")}
    allowed = sys.stdlib_module_names | neighbours | {"boto3", "botocore"}
    code = "\n".join(path.read_text() for path in folder.glob("*.py")).replace("from __future__", "#")

    tops = [node for node in ast.parse(code).body if isinstance(node, ast.Import | ast.ImportFrom)]

    imported = {
        name.partition(".")[0]
        for node in tops
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert {"boto3", "http", "json"} <= imported <= allowed
