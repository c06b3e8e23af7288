"""A stack of the release before 0.2 is updated: two indexes of its table go, one in each update, and no row is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infra.errors import StackFailed
from infra.stack.change_set import Stack
from infra.stack.deploy import TAGS, Deployment
from infra.stack.template import TEMPLATE, body, load
from tests.support.stack import Deployed, infra

FORMER_ATTRIBUTES = """        - { AttributeName: primaryQueueId, AttributeType: S }
        - { AttributeName: externalContactId, AttributeType: S }
        - { AttributeName: endedAt, AttributeType: S }
"""
FORMER_INDEXES = """        - IndexName: byQueue
          KeySchema:
            - { AttributeName: primaryQueueId, KeyType: HASH }
            - { AttributeName: endedAt, KeyType: RANGE }
          Projection: { ProjectionType: ALL }
        - IndexName: byContact
          KeySchema:
            - { AttributeName: externalContactId, KeyType: HASH }
            - { AttributeName: endedAt, KeyType: RANGE }
          Projection: { ProjectionType: ALL }
"""
ROW = {
    "interactionId": {"S": "c0000000-0000-4000-8000-000000000001"},
    "primaryQueueId": {"S": "q"},
    "externalContactId": {"S": "c"},
    "endedAt": {"S": "2026-01-15T10:00:00.000Z"},
}


def former_template() -> str:
    """Return the template with the table as it was before 0.2, and without the parameter of the update."""
    text = TEMPLATE.read_text()
    text = re.sub(
        r"(?m)^        # DynamoDB wants exactly.*\n(^        - !If \[KeepByContact.*\n)+",
        FORMER_ATTRIBUTES,
        text,
    )
    text = re.sub(r"(?m)^        - !If\n          - KeepByContact\n(^          .*\n)+", FORMER_INDEXES, text)
    text = re.sub(r"(?m)^  FormerIndex:\n(^    .*\n)+", "", text)
    text = re.sub(r"(?m)^  KeepByContact: .*\n", "", text).replace("FormerIndex, ", "")
    assert "KeepByContact" not in text
    assert "FormerIndex" not in text
    return body(load(text))


@pytest.fixture
def former(stack: Deployed) -> Deployed:
    """Return a stack of the former template, whose table has a row."""
    found = Stack(stack.session.client("cloudformation"), "interactions", poll=0.05)
    deployment = Deployment(stack.session, found, stack.parameters, bridge=stack.bridge)
    values = deployment.values | deployment._bridge(to_upload=True)  # noqa: SLF001 - as `plan` does
    del values["FormerIndex"]
    plan = found.plan(former_template(), values, TAGS)
    assert plan is not None
    found.execute(plan)
    stack.outputs = found.outputs()
    stack.session.client("dynamodb").put_item(TableName=table(stack), Item=ROW)
    assert indexes(stack) == {"byQueue", "byContact", "byDue"}
    return stack


def table(stack: Deployed) -> str:
    """Return the name of the interaction table."""
    return stack.outputs["InteractionTableName"]


def described(stack: Deployed) -> Any:
    """Return the description of the interaction table."""
    return stack.session.client("dynamodb").describe_table(TableName=table(stack))["Table"]


def indexes(stack: Deployed) -> set[str]:
    """Return the names of the table's indexes."""
    return {index["IndexName"] for index in described(stack)["GlobalSecondaryIndexes"]}


def updates(stack: Deployed) -> int:
    """Return how many updates of the stack have been completed."""
    events = stack.session.client("cloudformation").describe_stack_events(StackName="interactions")
    kinds = [(each["ResourceType"], each["ResourceStatus"]) for each in events["StackEvents"]]
    return kinds.count(("AWS::CloudFormation::Stack", "UPDATE_COMPLETE"))


def test_dynamodb_removes_one_index_in_an_update(former: Deployed) -> None:
    """The update that removes both at once is refused, here as in AWS, and the table stays as it was."""
    found = Stack(former.session.client("cloudformation"), "interactions", poll=0.05)
    plan = found.plan(body(load()), found.parameters() | {"FormerIndex": "none"}, TAGS)
    assert plan is not None
    with pytest.raises(StackFailed, match="more than one GSI"):
        found.execute(plan)
    assert indexes(former) == {"byQueue", "byContact", "byDue"}


def test_deploy_makes_both_updates(former: Deployed) -> None:
    """Afterwards byDue is left, the row is there, and a further deploy changes nothing."""
    former.deploy()
    assert updates(former) == 2
    assert indexes(former) == {"byDue"}
    names = {each["AttributeName"] for each in described(former)["AttributeDefinitions"]}
    assert names == {"interactionId", "dueKey", "dueAt"}
    rows = former.session.client("dynamodb").scan(TableName=table(former))["Items"]
    assert rows == [ROW]
    former.deploy()
    assert updates(former) == 2


def test_the_command_asks_before_each_update(former: Deployed) -> None:
    """Stopped between the two, it goes on with the second one the next time."""
    refused = infra("deploy", typed="yes\nno\n")
    assert refused.returncode == 1
    assert indexes(former) == {"byContact", "byDue"}
    assert infra("deploy", "--yes").returncode == 0
    assert indexes(former) == {"byDue"}
