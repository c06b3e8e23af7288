"""The bridge's role is what the bridge does, told by the calls that its handler makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import handler as bridge
import pytest
from botocore.client import BaseClient

from tests.infra.bridge_messages import customer_end, records
from tests.infra.fake_prefect import FakePrefect
from tests.infra.permissions import Needed, allowed, matching, needed

KEY = "a-key-for-prefect"
# What Lambda's service does in the role's name, and what only a stack with another choice has.
LAMBDAS = {
    ("sqs:ReceiveMessage", "Buffer"): "the event source mapping takes messages",
    ("sqs:DeleteMessage", "Buffer"): "the event source mapping deletes what was accepted",
    ("sqs:ChangeMessageVisibility", "Buffer"): "the event source mapping hands back what was not",
    ("sqs:GetQueueAttributes", "Buffer"): "the event source mapping looks at the queue",
    ("logs:CreateLogStream", "BridgeLog"): "Lambda writes the function's output",
    ("logs:PutLogEvents", "BridgeLog"): "Lambda writes the function's output",
    ("kms:Decrypt", "KmsKeyArn"): "SQS does it, with a customer's key only",
    ("kms:GenerateDataKey", "KmsKeyArn"): "SQS does it, with a customer's key only",
}
NETWORK = "ec2:"  # Lambda's own too, in a VPC only; the policy denies it to the function's code


@pytest.fixture
def made(emulator: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The queue and the secret that the bridge is told of, by the template's names."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    sqs, secrets = boto3.client("sqs"), boto3.client("secretsmanager")
    queue = sqs.create_queue(QueueName="dead-letters-of-permissions")["QueueUrl"]
    arn = secrets.create_secret(Name="prefect-of-permissions", SecretString=KEY)["ARN"]
    for client in (sqs, secrets):
        client.close()
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", queue)
    monkeypatch.setenv("PREFECT_SECRET_ARN", arn)
    return {queue: "DeadLetters", arn: "PrefectSecretArn"}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every call to AWS of this process from now on."""
    seen: list[dict[str, Any]] = []
    original: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

    def noted(self: Any, operation: str, given: dict[str, Any]) -> Any:
        service = self.meta.service_model.signing_name
        seen.append({"service": service, "operation": operation, "parameters": given})
        return original(self, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    return seen


def test_the_bridge_does_what_it_may_and_may_what_it_does(
    made: dict[str, str], calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Good events, poison and a key that is refused once: each call is allowed, and nothing else is its own."""
    calls.clear()
    poison = customer_end(2)
    with FakePrefect(authorization=f"Bearer {KEY}", poison={poison["id"]: 409}).serving() as prefect:
        monkeypatch.setenv("PREFECT_API_URL", prefect.url)
        bridge.bridge.cache_clear()
        answer = bridge.handler(records(customer_end(1), poison, customer_end(3)))
        bridge.bridge.cache_clear()
    assert answer == {"batchItemFailures": []}
    pairs: set[Needed] = set().union(*(needed(call, made) for call in calls))
    policy = allowed("BridgeRole")
    assert pairs
    assert sorted(pair for pair in pairs if not matching(pair, policy)) == []
    used = set().union(*(matching(pair, policy) for pair in pairs))
    rest = {each for each in policy - used if each not in LAMBDAS and not each.action.startswith(NETWORK)}
    assert sorted(rest) == []
