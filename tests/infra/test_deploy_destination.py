"""The bridge without compute: rule, API destination, create_flow_run. It has only ever run in an emulator."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from infra.errors import InfraError
from infra.stack.change_set import Stack
from infra.verify.run import verify
from tasks.events import InteractionEvent, parse
from tests.support.stack import CUSTOMER_END, SOURCE, Deployed, Receiver, eventually, infra

DEPLOYMENT = "4f6f1a9e-1111-4222-8333-944445555666"
EVENTS = Path(__file__).parents[1] / "events"


@pytest.fixture
def destination(stack: Deployed) -> Deployed:
    """Return a stack whose bridge is an API destination."""
    types = [CUSTOMER_END, "conversation.end", "Conversation Update"]
    stack.deploy(Bridge="api-destination", DeploymentId=DEPLOYMENT, DetailTypes=types)
    return stack


@pytest.mark.parametrize("name", ["customer_end_voice", "conversation_end", "conversation_update"])
def test_an_event_becomes_a_run_with_the_same_meaning(
    name: str,
    destination: Deployed,
    received: Receiver,
) -> None:
    """Each shape arrives as one JSON string, which the flow reads as it reads the event itself."""
    event = json.loads((EVENTS / f"{name}.json").read_text())
    destination.put(event["detail"], event["detail-type"])
    path, body = eventually(lambda: received.posts)[0]
    assert path == f"/api/deployments/{DEPLOYMENT}/create_flow_run"
    assert body["enforce_parameter_schema"] is False
    (text,) = body["parameters"]["events"]
    ((found,), (wanted,)) = parse(text), parse(json.dumps(event))
    assert isinstance(found, InteractionEvent)
    assert isinstance(wanted, InteractionEvent)
    # The emulator puts its own envelope around the event.
    found, wanted = (replace(each, event_id="", source="", event_time=None) for each in (found, wanted))
    assert found == wanted


def test_nothing_personal_is_sent(destination: Deployed, received: Receiver) -> None:
    """Numbers, names and addresses of an event are not sent: the transformer is an allow-list."""
    body = {
        "conversationId": DEPLOYMENT,
        "ani": "tel:+15550100",
        "addressFrom": "a@example.com",
        "subject": "Hi",
    }
    destination.put({"topicName": "t", "eventBody": body, "metadata": {"name": "Ann Other"}}, CUSTOMER_END)
    text = json.dumps(eventually(lambda: received.posts))
    assert DEPLOYMENT in text
    assert not [word for word in ("5550100", "example.com", "Hi", "Ann") if word in text]


def test_the_key_comes_from_the_secret(stack: Deployed, received: Receiver) -> None:
    """The connection sends the secret's text as a bearer token; the stack's parameters do not have it."""
    secret = stack.session.client("secretsmanager").create_secret(Name="prefect", SecretString="pnu_1")["ARN"]
    stack.deploy(Bridge="api-destination", DeploymentId=DEPLOYMENT, PrefectSecretArn=secret)
    stack.put({"conversationId": DEPLOYMENT})
    eventually(lambda: received.posts)
    assert received.headers[0]["Authorization"] == "Bearer pnu_1"
    assert "pnu_1" not in json.dumps(
        Stack(stack.session.client("cloudformation"), "interactions").parameters()
    )


def test_a_change_of_the_bridge_keeps_the_buffer(destination: Deployed) -> None:
    """Messages in the buffer outlive a change to the API destination."""
    sqs = destination.session.client("sqs")
    sqs.send_message(QueueUrl=destination.outputs["BufferQueueUrl"], MessageBody="{}")
    destination.deploy(DetailTypes=["conversation.end"])
    found = sqs.get_queue_attributes(QueueUrl=destination.outputs["BufferQueueUrl"], AttributeNames=["All"])
    assert found["Attributes"]["ApproximateNumberOfMessages"] == "1"


def test_verify_checks_the_destination(destination: Deployed) -> None:
    """The destination is checked instead of the function, and the checks of AWS pass."""
    results = verify(
        destination.session, Stack(destination.session.client("cloudformation"), "interactions"), send=False
    )
    states = {each.name: each.state for each in results}
    assert (states["API destination"], states["rule target"], states["queue policies"]) == ("pass",) * 3
    assert "bridge function" not in states


def test_redrive_is_refused_with_an_api_destination(destination: Deployed) -> None:
    """Nothing reads the buffer: redrive says so and leaves the dead letter in its queue."""
    sqs, url = destination.session.client("sqs"), destination.outputs["DeadLetterQueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    answer = infra("redrive", "--yes")
    assert (answer.returncode, "replay" in answer.stderr) == (1, True)
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["ApproximateNumberOfMessages"] == "1"


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("url", ["http://prefect.example.com/api", "ftp://prefect.example.com/api"])
def test_a_destination_is_https(url: str) -> None:
    """EventBridge posts to https only: the address is rejected before CloudFormation is called."""
    words = ("--bus", "genesys", "--bus-mode", "own", "--source", SOURCE, "--deployment-id", DEPLOYMENT)
    answer = infra("deploy", *words, "--prefect-api-url", url, "--bridge", "api-destination", "--yes")
    assert (answer.returncode, "https" in answer.stderr) == (2, True)


def test_the_template_refuses_what_is_no_deployment_id(stack: Deployed) -> None:
    """The id is a UUID: an API destination cannot look up a name."""
    with pytest.raises((InfraError, Exception), match="DeploymentId"):
        stack.deploy(Bridge="api-destination", DeploymentId="live")
