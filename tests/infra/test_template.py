"""The templates as they stand: valid, least privilege, and nothing that deletes data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.api import lint_file
from cfnlint.decode import decode

from infra.parameters import defaults, pattern
from tests.infra.aws import QUEUE, Deployed, aided_emulator, aws, received, stack  # noqa: F401

FOLDER = Path(__file__).parents[2] / "infra"
TEMPLATES = ["template.yaml", "worker.yaml"]
# What AWS documents as having no resource to name.
WITHOUT_RESOURCE = {
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
    "ecr:GetAuthorizationToken",
}


def template(name: str) -> dict[str, Any]:
    """Return a template as plain data."""
    found, problems = decode(str(FOLDER / name))
    assert not problems
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def statements(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every policy statement below a node."""
    if isinstance(node, dict):
        if "Effect" in node:
            yield node
        for value in node.values():
            yield from statements(value)
    if isinstance(node, list):
        for value in node:
            yield from statements(value)


def as_list(value: Any) -> list[Any]:
    """Return one or many as many."""
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", TEMPLATES)
def test_cfn_lint_finds_nothing(name: str) -> None:
    """The templates are valid CloudFormation, whatever their conditions say."""
    assert lint_file(FOLDER / name) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_policy_allows_every_action(name: str) -> None:
    """No statement that allows anything has a wildcard in an action."""
    allowed = [each for each in statements(template(name)) if each["Effect"] == "Allow"]
    assert allowed
    assert [action for each in allowed for action in as_list(each["Action"]) if "*" in action] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_policy_allows_every_resource_where_aws_knows_better(name: str) -> None:
    """A statement allows every resource only for actions that know none."""
    wide = [
        each
        for each in statements(template(name))
        if each["Effect"] == "Allow" and "*" in as_list(each.get("Resource", []))
    ]
    assert {action for each in wide for action in as_list(each["Action"])} <= WITHOUT_RESOURCE


@pytest.mark.parametrize("name", TEMPLATES)
def test_everyone_is_only_ever_denied(name: str) -> None:
    """Nothing is allowed to every principal."""
    assert all(
        each.get("Principal") != "*" for each in statements(template(name)) if each["Effect"] == "Allow"
    )


def test_data_outlives_the_stack() -> None:
    """Records, quarantine and conversations stay when the stack is deleted or a resource is replaced."""
    resources = template("template.yaml")["Resources"]
    for name in ("InteractionTable", "QuarantineTable", "ConversationBucket"):
        assert (resources[name]["DeletionPolicy"], resources[name]["UpdateReplacePolicy"]) == (
            "Retain",
            "Retain",
        )


def test_the_bucket_is_encrypted_private_and_tidied() -> None:
    """Conversations are encrypted, nobody's but the account's, and expire when a number of days is given."""
    bucket = template("template.yaml")["Resources"]["ConversationBucket"]["Properties"]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    algorithm = rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
    assert set(algorithm["Fn::If"][1:]) == {"aws:kms", "AES256"}
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    uploads, expiry = bucket["LifecycleConfiguration"]["Rules"]
    assert uploads["Status"] == "Enabled"
    assert expiry["Fn::If"][1]["ExpirationInDays"] == {"Ref": "ConversationDays"}


def test_tables_are_encrypted_recoverable_and_paid_by_use() -> None:
    """Every table is on demand and encrypted; the two with data can be restored to any second."""
    resources = template("template.yaml")["Resources"].values()
    tables = [each["Properties"] for each in resources if each["Type"] == "AWS::DynamoDB::Table"]
    assert [table["BillingMode"] for table in tables] == ["PAY_PER_REQUEST"] * 3
    assert all(table["SSESpecification"]["SSEEnabled"] is True for table in tables)
    recoverable = [t["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] for t in tables]
    assert recoverable == [True, True, False]


def test_an_outage_outlasts_two_days_before_a_message_dies() -> None:
    """Receives times visibility time-out is 50 hours, and one visibility holds six tries of the bridge."""
    values = {name: int(value) for name, value in defaults().items() if value and value.isdigit()}
    assert values["MaxReceiveCount"] * values["VisibilitySeconds"] >= 50 * 3600
    tries = 6 * values["BridgeTimeoutSeconds"] + values["BatchWindowSeconds"]
    assert values["VisibilitySeconds"] >= tries


def test_secrets_travel_by_arn_only() -> None:
    """The function's environment holds the secret's ARN, and no other parameter is a secret."""
    variables = template("template.yaml")["Resources"]["BridgeFunction"]["Properties"]["Environment"][
        "Variables"
    ]
    assert variables["PREFECT_SECRET_ARN"] == {"Ref": "PrefectSecretArn"}
    assert not [name for name in variables if name.endswith(("_KEY", "_PASSWORD", "_TOKEN"))]


def test_the_worker_takes_the_pool_that_the_deployments_name() -> None:
    """The container runs a worker of the pool, with the main stack's policy and nothing beside it."""
    found = template("worker.yaml")
    container = found["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0]
    assert container["Command"][:5] == ["prefect", "worker", "start", "--pool", {"Ref": "WorkPool"}]
    assert found["Parameters"]["WorkPool"]["Default"] == "interactions"
    assert "Policies" not in found["Resources"]["TaskRole"]["Properties"]


def test_the_worker_has_every_setting_that_has_no_default() -> None:
    """Environment and secrets of the container cover the pipeline's required settings."""
    from tasks.settings import Settings  # noqa: PLC0415  # the pipeline's, needed by this test alone

    container = template("worker.yaml")["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0]
    given = {each["Name"] for each in container["Environment"] + container["Secrets"] if "Name" in each}
    required = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
    assert required <= given


def test_the_pattern_that_is_expected_is_the_pattern_that_is_deployed(stack: Deployed) -> None:  # noqa: F811
    """The command line's own idea of the rule's pattern is what CloudFormation makes of the parameters."""
    for queues in ([], [QUEUE]):
        outputs = stack.deploy(QueueIds=queues)
        rule = stack.session.client("events").describe_rule(
            Name=outputs["RuleName"], EventBusName=outputs["EventBusName"]
        )
        values = {"EventSourcePrefix": "", "QueueIds": ",".join(queues) or "any"}
        lists = {name: ",".join(stack.parameters[name]) for name in ("EventSources", "DetailTypes")}
        assert json.loads(rule["EventPattern"]) == json.loads(pattern(values | lists))


def test_the_partner_bus_is_matched_by_prefix(aws: boto3.Session) -> None:  # noqa: F811
    """By default the rule passes customer.end of any Genesys source, and of no other."""
    values = {name: value for name, value in defaults().items() if value is not None}
    events = aws.client("events")

    def passes(source: str, detail_type: str) -> bool:
        event = {"id": "1", "account": "1", "source": source, "time": "2026-01-01T00:00:00Z", "region": "r"}
        event |= {"resources": [], "detail-type": detail_type, "detail": {}}  # type: ignore[dict-item]
        answer = events.test_event_pattern(EventPattern=pattern(values), Event=json.dumps(event))
        return bool(answer["Result"])

    ended = "v2.detail.events.conversation.{id}.customer.end"
    assert passes("aws.partner/genesys.com/cloud/org/suffix", ended)
    assert not passes("aws.partner/example.com/cloud/org/suffix", ended)
    assert not passes("aws.partner/genesys.com/cloud/org/suffix", "v2.audits.entitytype.{id}.entityid.{id}")


def test_the_outputs_name_what_others_need(stack: Deployed) -> None:  # noqa: F811
    """The stack tells the names that workers, tests and people ask for, and they exist."""
    outputs = stack.deploy()
    database, sqs = stack.session.client("dynamodb"), stack.session.client("sqs")
    for name in ("InteractionTableName", "QuarantineTableName", "BudgetTableName"):
        assert database.describe_table(TableName=outputs[name])["Table"]["TableStatus"] == "ACTIVE"
    for name in ("BufferQueueUrl", "DeadLetterQueueUrl"):
        assert sqs.get_queue_attributes(QueueUrl=outputs[name], AttributeNames=["QueueArn"])["Attributes"]
    stack.session.client("s3").head_bucket(Bucket=outputs["ConversationBucketName"])


def test_records_expire_by_their_own_attribute(stack: Deployed) -> None:  # noqa: F811
    """Both tables of data have time to live on expiresAt."""
    outputs = stack.deploy()
    for name in ("InteractionTableName", "QuarantineTableName"):
        found = stack.session.client("dynamodb").describe_time_to_live(TableName=outputs[name])
        assert found["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}
