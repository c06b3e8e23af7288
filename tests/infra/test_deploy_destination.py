"""The way without compute: rule, API destination, create_flow_run. Only its emulation was ever run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from infra.errors import InfraError
from infra.stack import Stack
from infra.verification import verify
from tasks.events import InteractionEvent, parse
from tests.infra.aws import (
    CUSTOMER_END,
    SOURCE,
    Deployed,
    Receiver,
    aided_emulator,  # noqa: F401
    aws,  # noqa: F401
    eventually,
    infra,
    received,  # noqa: F401
    stack,  # noqa: F401
)

DEPLOYMENT = "4f6f1a9e-1111-4222-8333-944445555666"
EVENTS = Path(__file__).parents[1] / "events"


@pytest.fixture
def destination(stack: Deployed) -> Deployed:  # noqa: F811
    """Return a stack whose bridge is an API destination."""
    types = [CUSTOMER_END, "conversation.end", "Conversation Update"]
    stack.deploy(Bridge="api-destination", DeploymentId=DEPLOYMENT, DetailTypes=types)
    return stack


@pytest.mark.parametrize("name", ["customer_end_voice", "conversation_end", "conversation_update"])
def test_an_event_becomes_a_run_that_understands_it(
    name: str,
    destination: Deployed,
    received: Receiver,  # noqa: F811
) -> None:
    """Each shape arrives as one JSON string, and means what the event itself means."""
    event = json.loads((EVENTS / f"{name}.json").read_text())
    destination.put(event["detail"], event["detail-type"])
    path, body = eventually(lambda: received.posts)[0]
    assert path == f"/api/deployments/{DEPLOYMENT}/create_flow_run"
    assert body["enforce_parameter_schema"] is False
    (text,) = body["parameters"]["events"]
    ((found,), (wanted,)) = parse(text), parse(json.dumps(event))
    assert isinstance(found, InteractionEvent)
    assert isinstance(wanted, InteractionEvent)
    # The emulator gave the event its own envelope.
    same = {"event_id": "", "source": "", "event_time": None}
    assert replace(found, **same) == replace(wanted, **same)


def test_nothing_personal_leaves(destination: Deployed, received: Receiver) -> None:  # noqa: F811
    """Numbers, names and addresses of an event stay behind: the transformer is an allow-list."""
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


def test_the_key_comes_from_the_secret(stack: Deployed, received: Receiver) -> None:  # noqa: F811
    """The connection sends the secret's text as a bearer token; the template never sees it."""
    secret = stack.session.client("secretsmanager").create_secret(Name="prefect", SecretString="pnu_1")["ARN"]
    stack.deploy(Bridge="api-destination", DeploymentId=DEPLOYMENT, PrefectSecretArn=secret)
    stack.put({"conversationId": DEPLOYMENT})
    eventually(lambda: received.posts)
    assert received.headers[0]["Authorization"] == "Bearer pnu_1"
    assert "pnu_1" not in json.dumps(
        Stack(stack.session.client("cloudformation"), "interactions").parameters()
    )


def test_changing_the_bridge_over_keeps_what_waits(destination: Deployed) -> None:
    """Messages in the buffer outlive a change to the API destination and back."""
    sqs = destination.session.client("sqs")
    sqs.send_message(QueueUrl=destination.outputs["BufferQueueUrl"], MessageBody="{}")
    destination.deploy(DetailTypes=["conversation.end"])
    found = sqs.get_queue_attributes(QueueUrl=destination.outputs["BufferQueueUrl"], AttributeNames=["All"])
    assert found["Attributes"]["ApproximateNumberOfMessages"] == "1"


def test_verify_looks_at_the_destination(destination: Deployed) -> None:
    """The destination takes the function's place among the checks, and AWS's part is whole."""
    results = verify(
        destination.session, Stack(destination.session.client("cloudformation"), "interactions"), send=False
    )
    states = {each.name: each.state for each in results}
    assert (states["API destination"], states["rule target"], states["queue policies"]) == ("pass",) * 3
    assert "bridge function" not in states


def test_redrive_would_send_into_the_void(destination: Deployed) -> None:
    """Nobody reads the buffer: redrive says so and leaves the dead letter where it is."""
    sqs, url = destination.session.client("sqs"), destination.outputs["DeadLetterQueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    answer = infra("redrive", "--yes")
    assert (answer.returncode, "replay" in answer.stderr) == (1, True)
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["ApproximateNumberOfMessages"] == "1"


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("url", ["http://prefect.example.com/api", "ftp://prefect.example.com/api"])
def test_a_destination_is_https(url: str) -> None:
    """EventBridge posts to https alone: told before CloudFormation fails."""
    words = ("--bus", "genesys", "--bus-mode", "own", "--source", SOURCE, "--deployment-id", DEPLOYMENT)
    answer = infra("deploy", *words, "--prefect-api-url", url, "--bridge", "api-destination", "--yes")
    assert (answer.returncode, "https" in answer.stderr) == (2, True)


def test_the_template_alone_refuses_what_is_no_deployment(stack: Deployed) -> None:  # noqa: F811
    """A deployment is given by its id, a UUID: an API destination cannot look a name up."""
    with pytest.raises((InfraError, Exception), match="DeploymentId"):
        stack.deploy(Bridge="api-destination", DeploymentId="live")
