"""`--json`: one document on standard output; what is for a person, and what is asked, is on standard error."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from tests.support.stack import QUEUE, SOURCE, Deployed, infra

FIRST = ("--bus", "genesys", "--bus-mode", "own", "--source", SOURCE, "--detail-type", "conversation.end")
PREFECT = ("--prefect-api-url", "http://127.0.0.1:9/api")


def told(*words: str, typed: str = "") -> Any:
    """Return the JSON that a command prints, which must succeed."""
    answer = infra(*words, "--json", typed=typed)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.mark.usefixtures("aws")
def test_deploy_plan_and_delete_tell_a_program(aws: boto3.Session) -> None:
    """What changed, what would change, what remains; the confirmation is asked for as ever."""
    made = told("deploy", *FIRST, *PREFECT, typed="yes\n")
    assert made["changed"]
    assert made["outputs"]["EventBusName"] == "genesys"
    assert told("deploy") == {"changed": False, "outputs": made["outputs"]}
    planned = told("plan", "--queue-id", QUEUE)
    assert planned["parameters"]["QueueIds"] == {"old": "any", "new": QUEUE}
    assert {"action", "resource", "kind"} <= set(planned["changes"][0])
    assert told("plan") == {"changes": [], "parameters": {}}
    deleted = told("delete", "--yes")
    assert deleted["deleted"] == "interactions"
    assert deleted["remaining"]["InteractionTableName"] in aws.client("dynamodb").list_tables()["TableNames"]


def test_redrive_tells_a_program_why_and_since_when(stack: Deployed) -> None:
    """Of none, too."""
    stack.deploy()
    assert told("redrive") == {"total": 0, "reasons": [], "sentBack": 0}
    stack.session.client("sqs").send_message(QueueUrl=stack.outputs["DeadLetterQueueUrl"], MessageBody="{}")
    found = told("redrive", "--yes")
    assert (found["total"], found["sentBack"]) == (1, 1)
    assert found["reasons"][0]["count"] == 1
    assert found["reasons"][0]["since"]
