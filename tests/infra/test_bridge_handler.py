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
from tests.support.bridge_messages import customer_end, interaction, records
from tests.support.fake_prefect import FakePrefect


class Context:
    """The context object of an invocation."""

    aws_request_id = "invocation-1"

    def __init__(self, seconds: float = 30) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the same time at every call."""
        return int(self.seconds * 1000)


@pytest.fixture
def client(aws_environment: None) -> Iterator[Callable[[str], Any]]:  # noqa: ARG001 - the clients' environment
    """Return a function that makes clients of the emulator."""
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
    """Return a function that reads the bridge's dead-letter queue."""
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
def cold_start(
    prefect: FakePrefect,
    dead_letters: Callable[[], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Any]]:
    """Return a function that starts the handler as a new process has it, with these variables."""
    del dead_letters
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)

    def start(**environment: str) -> Any:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        bridge.bridge.cache_clear()
        return bridge.handler

    yield start
    bridge.bridge.cache_clear()


def test_everything_accepted_is_an_empty_list(cold_start: Callable[..., Any], prefect: FakePrefect) -> None:
    """AWS deletes all messages when the response names no failure."""
    event = records(*[customer_end(n) for n in range(10)])

    assert cold_start()(event, Context()) == {"batchItemFailures": []}
    assert len(prefect.texts) == 10


@pytest.mark.parametrize(("packed", "runs"), [(True, 5), (False, 12)])
def test_ten_thousand_messages_go_in_a_few_runs(
    cold_start: Callable[..., Any], prefect: FakePrefect, packed: bool, runs: int
) -> None:
    """The largest batch that AWS hands over is delivered in one invocation."""
    prefect.reads_packed = packed
    event = records(*[customer_end(n) for n in range(10_000)])

    assert cold_start()(event, Context()) == {"batchItemFailures": []}
    assert len(prefect.texts) == len(set(prefect.texts)) == 10_000
    assert len(prefect.runs) == runs  # nine hundred of these events are 460,000 bytes


def test_an_outage_names_every_message(cold_start: Callable[..., Any], prefect: FakePrefect) -> None:
    """AWS delivers the named messages again."""
    prefect.faults.append(502)

    assert cold_start()(records("{}", "{}"), Context()) == {
        "batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m1"}]
    }


def test_an_outage_names_nothing_that_was_accepted(
    cold_start: Callable[..., Any], prefect: FakePrefect
) -> None:
    """Only the messages without a run are named."""
    prefect.faults.extend([None, 502])

    answer = cold_start(MAX_EVENTS="1")(records(*[customer_end(n) for n in range(3)]), Context())

    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ["m1", "m2"]


def test_an_invocation_without_time_posts_nothing(
    cold_start: Callable[..., Any], prefect: FakePrefect
) -> None:
    """With three seconds left no request is started."""
    answer = cold_start()(records("{}"), Context(seconds=3))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert prefect.seen == []


def test_a_message_that_is_received_twice_is_sent_once(
    cold_start: Callable[..., Any], prefect: FakePrefect
) -> None:
    """Two records with one message id are one event."""
    event = records(customer_end(1))

    cold_start()({"Records": event["Records"] * 2}, Context())

    assert len(prefect.texts) == 1


@pytest.mark.parametrize("context", [None, Context()])
def test_an_event_of_a_manual_invocation_runs(
    cold_start: Callable[..., Any], prefect: FakePrefect, context: Context | None
) -> None:
    """A bare EventBridge event is accepted; the response is a summary."""
    answer = cold_start()(customer_end(1), context)

    assert (answer["received"], answer["accepted"], answer["returned"]) == (1, 1, 0)
    assert list(answer["runs"]) == [run["id"] for run in prefect.runs.values()]


def test_a_list_of_events_of_a_manual_invocation_runs(
    cold_start: Callable[..., Any], prefect: FakePrefect
) -> None:
    """Each element of the list is an event."""
    assert cold_start()([customer_end(1), customer_end(2), "oops"], None)["accepted"] == 3
    assert len(prefect.texts) == 3


def test_an_event_whose_detail_is_a_list_runs(cold_start: Callable[..., Any], prefect: FakePrefect) -> None:
    """The tutorial's list of records is sent as one event."""
    detail = [{"detail": {"interactionId": interaction(n)}} for n in range(3)]

    assert cold_start()({"detail-type": "Conversation Update", "detail": detail}, None)["accepted"] == 1
    assert json.loads(prefect.texts[0])["detail"] == detail


def ten_thousand_records() -> dict[str, Any]:
    """Return a tutorial's event that nearly fills a message."""
    detail = [{"detail": {"interactionId": interaction(n), "type": "update"}} for n in range(10_000)]
    return {"id": "e-1", "source": "gen.cloud.events", "detail-type": "Conversation Update", "detail": detail}


@pytest.mark.parametrize("packed", [True, False])
def test_a_list_of_ten_thousand_records_goes_in_several_runs(
    cold_start: Callable[..., Any], prefect: FakePrefect, packed: bool
) -> None:
    """A message too large for one run is sent in parts; every record is an event with an id of its own."""
    prefect.reads_packed = packed
    assert cold_start()(records(ten_thousand_records()), Context()) == {"batchItemFailures": []}

    read = [each for text in prefect.texts for each in parse(text)]
    assert [each.interaction_id for each in read] == [interaction(n) for n in range(10_000)]
    assert len({each.event_id for each in read}) == 10_000
    sizes = [len(json.dumps(run["parameters"], separators=(",", ":"))) for run in prefect.runs.values()]
    assert len(sizes) == 5
    assert max(sizes) <= 500_000


def test_a_list_that_was_accepted_in_part_is_returned_once(
    cold_start: Callable[..., Any], prefect: FakePrefect
) -> None:
    """The message is named once; delivered again, its accepted parts have the runs that they had."""
    prefect.faults.extend([None, None, 502])
    invoke, event = cold_start(), records(customer_end(1), ten_thousand_records(), customer_end(2))

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


def test_a_list_that_will_be_rejected_is_one_event(
    cold_start: Callable[..., Any], prefect: FakePrefect
) -> None:
    """A list that the flow rejects as a whole is not split, so it is in quarantine once."""
    cold_start()(records(ten_thousand_records() | {"detail-type": "conversation.end"}), Context())

    assert len(prefect.texts) == 1


def test_a_manual_invocation_raises_for_what_was_not_accepted(
    cold_start: Callable[..., Any], prefect: FakePrefect
) -> None:
    """The caller has to send it again; the same invocation id gives the same run."""
    prefect.faults.extend(["drop after"] * 2)
    invoke = cold_start()

    with pytest.raises(bridge.NotAccepted) as raised:
        invoke(customer_end(1), Context())
    assert interaction(1) not in str(raised.value)

    invoke(customer_end(1), Context())
    assert len(prefect.runs) == 1


def test_two_manual_invocations_without_an_id_are_two_runs(
    cold_start: Callable[..., Any], prefect: FakePrefect
) -> None:
    """Without an invocation id nothing is deduplicated."""
    invoke = cold_start()
    invoke(customer_end(1), None)
    invoke(customer_end(1), None)

    assert len(prefect.runs) == 2


def test_a_refused_event_is_dead_lettered_as_it_was_received(
    dead_letters: Callable[[], list[dict[str, Any]]], cold_start: Callable[..., Any], prefect: FakePrefect
) -> None:
    """The body is the original, the reason is in the attributes, and the message counts as handled."""
    prefect.poison = {interaction(1): 422}
    event = records(*[customer_end(n) for n in range(4)])

    assert cold_start()(event, Context()) == {"batchItemFailures": []}

    (letter,) = dead_letters()
    assert letter["Body"] == event["Records"][1]["body"]
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes.pop("reason").startswith("Error creating flow run")
    assert attributes == {
        "code": "refused-by-prefect",
        "status": "422",
        "messageId": "m1",
        "form": "original",
    }


@pytest.mark.parametrize("size", [1_045_000, 1_048_576])
def test_a_refused_event_that_fills_a_message_is_dead_lettered(
    dead_letters: Callable[[], list[dict[str, Any]]],
    cold_start: Callable[..., Any],
    prefect: FakePrefect,
    size: int,
) -> None:
    """A body that leaves no space for the reason is replaced by its allowed text."""
    prefect.poison = {interaction(1): 409}
    event = json.dumps(customer_end(1))
    event = event.replace("About my divorce", "x" * (size - len(event) + len("About my divorce")))

    assert cold_start()(records(event), Context()) == {"batchItemFailures": []}

    (letter,) = dead_letters()
    assert letter["MessageAttributes"]["form"]["StringValue"] == "slim"
    assert json.loads(letter["Body"])["detail"]["eventBody"]["conversationId"] == interaction(1)


def test_a_refused_event_is_returned_when_the_queue_does_not_exist(
    cold_start: Callable[..., Any], prefect: FakePrefect
) -> None:
    """A dead-letter queue that does not accept the message leaves it in the buffer."""
    prefect.poison = {interaction(1): 409}
    url = f"{prefect.url}/000000000000/nowhere"

    answer = cold_start(DEAD_LETTER_QUEUE_URL=url)(records(customer_end(1)), Context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_the_key_comes_from_secrets_manager_and_is_read_again_after_a_rotation(
    cold_start: Callable[..., Any], prefect: FakePrefect, client: Callable[[str], Any]
) -> None:
    """A process continues with the new key when the old one is refused."""
    secrets = client("secretsmanager")
    arn = secrets.create_secret(Name="prefect", SecretString='{"api_key": "one"}')["ARN"]
    prefect.authorization = "Bearer one"
    invoke = cold_start(PREFECT_SECRET_ARN=arn)
    assert invoke(records(customer_end(1)), Context()) == {"batchItemFailures": []}

    secrets.put_secret_value(SecretId=arn, SecretString="two")
    prefect.authorization = "Bearer two"
    assert invoke(records(customer_end(2), prefix="n"), Context()) == {"batchItemFailures": []}


def test_a_secret_that_cannot_be_read_is_an_outage(
    cold_start: Callable[..., Any], prefect: FakePrefect
) -> None:
    """Without the key no request is sent."""
    invoke = cold_start(PREFECT_SECRET_ARN="arn:aws:secretsmanager:us-east-1:000000000000:secret:none")

    assert invoke(records("{}"), Context()) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert prefect.seen == []


def test_without_a_secret_no_key_is_sent(cold_start: Callable[..., Any], prefect: FakePrefect) -> None:
    """A server without authentication receives no Authorization header."""
    cold_start()(records("{}"), Context())

    assert not any("Authorization" in headers for headers in prefect.headers)


def test_an_invocation_logs_one_line_of_json_without_the_event(
    cold_start: Callable[..., Any],
    prefect: FakePrefect,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The line has counts, runs and refused messages, and nothing of an event."""
    prefect.poison = {interaction(1): 422, interaction(2): 500}

    cold_start()(records(*[customer_end(n) for n in range(5)], "call 3175550123"), Context())

    (line,) = capsys.readouterr().out.splitlines()
    logged = json.loads(line)
    assert (logged["received"], logged["accepted"], logged["deadLettered"], logged["returned"]) == (
        6,
        4,
        1,
        1,
    )
    assert logged["refusals"] == {"m1": "dead-lettered-422", "m2": "refused-with-500"}
    assert set(logged["runs"]) == {run["id"] for run in prefect.runs.values()}
    assert not any(interaction(n) in line for n in range(5))
    assert not any(word in line for word in ("3175550", "john.doe", "customer.end", "Error creating"))


def test_the_bridge_needs_nothing_but_what_a_lambda_has() -> None:
    """Every import at run time is of the standard library, boto3, botocore or the bridge's own modules."""
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
