"""The bridge's role allows exactly the calls that its handler makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import handler as bridge
import pytest
from botocore.client import BaseClient

from tests.support.bridge_messages import customer_end, records
from tests.support.fake_prefect import FakePrefect
from tests.support.permissions import Needed, allowed, matching, needed

KEY = "a-key-for-prefect"
# Permissions that the Lambda service uses with the role, or that only a stack with other options has.
LAMBDAS = {
    ("sqs:ReceiveMessage", "Buffer"): "the event source mapping takes messages",
    ("sqs:DeleteMessage", "Buffer"): "the event source mapping deletes what was accepted",
    ("sqs:ChangeMessageVisibility", "Buffer"): "the event source mapping hands back what was not",
    ("logs:CreateLogStream", "BridgeLog"): "Lambda writes the function's output",
    ("logs:PutLogEvents", "BridgeLog"): "Lambda writes the function's output",
    ("kms:Decrypt", "KmsKeyArn"): "SQS and DynamoDB do it, with a customer's key only",
    ("kms:GenerateDataKey", "KmsKeyArn"): "SQS does it, with a customer's key only",
    (
        "kms:Decrypt",
        "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*",
    ): "Secrets Manager does it",
}
NETWORK = "ec2:"  # of the Lambda service, in a VPC only; the policy denies it to the function's code


@pytest.fixture
def made(
    aws_environment: None,  # noqa: ARG001 - the clients' environment
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """Create the bridge's queue and secret; return the template's names by their URL and ARN."""
    sqs, secrets = boto3.client("sqs"), boto3.client("secretsmanager")
    queue = sqs.create_queue(QueueName="dead-letters-of-permissions")["QueueUrl"]
    buffer = sqs.create_queue(QueueName="buffer-of-permissions")["QueueUrl"]
    arn = secrets.create_secret(Name="prefect-of-permissions", SecretString=KEY)["ARN"]
    for client in (sqs, secrets):
        client.close()
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", queue)
    monkeypatch.setenv("PREFECT_SECRET_ARN", arn)
    monkeypatch.setenv("BUFFER_QUEUE_URL", buffer)
    monkeypatch.setenv("BUDGET_TABLE", "budget")  # which does not exist: the watch asks, and goes on
    return {queue: "DeadLetters", buffer: "Buffer", arn: "PrefectSecretArn", "budget": "BudgetTable"}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return a list to which every later call of this process to AWS is added."""
    seen: list[dict[str, Any]] = []
    original: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

    def noted(self: Any, operation: str, given: dict[str, Any]) -> Any:
        service = self.meta.service_model.signing_name
        seen.append({"service": service, "operation": operation, "parameters": given})
        return original(self, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    return seen


def test_the_role_allows_the_calls_of_the_handler_and_no_others(
    made: dict[str, str], calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With valid events, a refused one and a refused key, each call is allowed, and each permission is used."""
    calls.clear()
    poison = customer_end(2)
    with FakePrefect(authorization=f"Bearer {KEY}", poison={poison["id"]: 409}).serving() as prefect:
        monkeypatch.setenv("PREFECT_API_URL", prefect.url)
        bridge.bridge.cache_clear()
        bridge.watch.cache_clear()
        answer = bridge.handler(records(customer_end(1), poison, customer_end(3)))
        assert bridge.handler({"watch": True})["workers"] == 1
        bridge.bridge.cache_clear()
        bridge.watch.cache_clear()
    assert answer == {"batchItemFailures": []}
    pairs: set[Needed] = set().union(*(needed(call, made) for call in calls))
    policy = allowed("BridgeRole")
    assert pairs
    assert sorted(pair for pair in pairs if not matching(pair, policy)) == []
    used = set().union(*(matching(pair, policy) for pair in pairs))
    rest = {each for each in policy - used if each not in LAMBDAS and not each.action.startswith(NETWORK)}
    assert sorted(rest) == []
