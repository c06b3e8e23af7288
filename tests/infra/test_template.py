"""The templates are valid, of least privilege, and delete no data."""

from __future__ import annotations

import json
import re
from typing import Any

import boto3
import pytest
from cfnlint.api import ManualArgs, lint_file

from infra.stack.parameters import complete, defaults, pattern
from tests.support.stack import CUSTOMER_END, OTHER_QUEUE, QUEUE, Deployed
from tests.support.templates import INFRA, as_list, read_template, statements

TEMPLATES = ["template.yaml", "worker.yaml"]
CONVERSATION = "5b1e0e0a-1111-4222-8333-944445555666"
# Actions that AWS documents as having no resource.
WITHOUT_RESOURCE = {
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
    "ecr:GetAuthorizationToken",
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_cfn_lint_finds_nothing(name: str) -> None:
    """The templates are valid CloudFormation under every combination of conditions, and need no advice."""
    everything = ManualArgs(include_checks=["W", "E", "I"], ignore_checks=[])
    assert lint_file(INFRA / name, everything) == []


@pytest.mark.parametrize("name", [*TEMPLATES, "Dockerfile"])
def test_what_checkov_is_told_to_skip_has_a_reason(name: str) -> None:
    """Its findings are mended, or justified in one line beside the resource."""
    skipped = re.findall(r"checkov:skip=([^\s:]*)(.*)", (INFRA / name).read_text())
    assert [check for check, reason in skipped if not re.fullmatch(r": \w.{20,}", reason)] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_policy_allows_every_action(name: str) -> None:
    """No statement that allows something has a wildcard in an action."""
    allowed = [each for each in statements(read_template(name)) if each["Effect"] == "Allow"]
    assert allowed
    assert [action for each in allowed for action in as_list(each["Action"]) if "*" in action] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_policy_allows_every_resource_where_one_can_be_named(name: str) -> None:
    """A statement allows every resource only for actions that IAM knows no resource for."""
    wide = [
        each
        for each in statements(read_template(name))
        if each["Effect"] == "Allow" and "*" in as_list(each.get("Resource", []))
    ]
    assert {action for each in wide for action in as_list(each["Action"])} <= WITHOUT_RESOURCE


@pytest.mark.parametrize("name", TEMPLATES)
def test_everyone_is_only_ever_denied(name: str) -> None:
    """Nothing is allowed to every principal."""
    assert all(
        each.get("Principal") != "*" for each in statements(read_template(name)) if each["Effect"] == "Allow"
    )


def test_data_outlives_the_stack() -> None:
    """Records, quarantine and conversations stay when the stack is deleted or a resource is replaced."""
    resources = read_template("template.yaml")["Resources"]
    for name in ("InteractionTable", "QuarantineTable", "ConversationBucket", "AnalyticsDatabase"):
        assert (resources[name]["DeletionPolicy"], resources[name]["UpdateReplacePolicy"]) == (
            "Retain",
            "Retain",
        )


def test_the_bucket_is_encrypted_and_private_and_expires() -> None:
    """Conversations are encrypted, without public access, and expire when a number of days is given."""
    bucket = read_template("template.yaml")["Resources"]["ConversationBucket"]["Properties"]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    algorithm = rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
    assert set(algorithm["Fn::If"][1:]) == {"aws:kms", "AES256"}
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    uploads, *expiries, _results = bucket["LifecycleConfiguration"]["Rules"]
    assert uploads["Status"] == "Enabled"
    rules = [expiry["Fn::If"][1] for expiry in expiries]
    assert [rule["Prefix"] for rule in rules] == ["conversations/", "staging/"]
    assert [rule["ExpirationInDays"] for rule in rules] == [{"Ref": "ConversationDays"}] * 2


def test_tables_are_encrypted_recoverable_and_paid_by_use() -> None:
    """Every table is on demand and encrypted; the two with data have point-in-time recovery."""
    resources = read_template("template.yaml")["Resources"].values()
    tables = [each["Properties"] for each in resources if each["Type"] == "AWS::DynamoDB::Table"]
    assert [table["BillingMode"] for table in tables] == ["PAY_PER_REQUEST"] * 4
    assert all(table["SSESpecification"]["SSEEnabled"] is True for table in tables)
    recoverable = [t["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] for t in tables]
    assert recoverable == [True, True, False, False]


def test_a_message_outlasts_an_outage_of_two_days() -> None:
    """The receives times the visibility time-out are 50 hours; the time-out is six times that of the bridge."""
    values = {name: int(value) for name, value in defaults().items() if value and value.isdigit()}
    assert values["MaxReceiveCount"] * values["VisibilitySeconds"] >= 50 * 3600
    tries = 6 * values["BridgeTimeoutSeconds"] + values["BatchWindowSeconds"]
    assert values["VisibilitySeconds"] >= tries


def test_secrets_are_given_by_arn_only() -> None:
    """The function's environment has the secret's ARN, and no other variable is a secret."""
    variables = read_template("template.yaml")["Resources"]["BridgeFunction"]["Properties"]["Environment"][
        "Variables"
    ]
    assert variables["PREFECT_SECRET_ARN"] == {"Ref": "PrefectSecretArn"}
    assert not [name for name in variables if name.endswith(("_KEY", "_PASSWORD", "_TOKEN"))]


def test_the_worker_takes_the_pool_that_the_deployments_name() -> None:
    """The container runs a worker of the pool; its only policies are the main stack's."""
    found = read_template("worker.yaml")
    container = found["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0]
    assert container["Command"][:5] == ["prefect", "worker", "start", "--pool", {"Ref": "WorkPool"}]
    assert found["Parameters"]["WorkPool"]["Default"] == "interactions"
    assert "Policies" not in found["Resources"]["TaskRole"]["Properties"]


def test_the_worker_has_every_setting_that_has_no_default() -> None:
    """Environment and secrets of the container cover the pipeline's required settings."""
    from tasks.settings import Settings  # noqa: PLC0415  # the pipeline's, needed by this test alone

    container = read_template("worker.yaml")["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0]
    given = {each["Name"] for each in container["Environment"] + container["Secrets"] if "Name" in each}
    required = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
    assert required <= given


def test_the_pattern_that_is_expected_is_the_pattern_that_is_deployed(stack: Deployed) -> None:
    """The pattern that the command line computes is the one that CloudFormation deploys, of the archive, too."""
    events = stack.session.client("events")
    cases: tuple[dict[str, Any], ...] = (
        {},
        {"QueueIds": [QUEUE, OTHER_QUEUE]},
        {"ConcreteIds": False},
        {"EventSources": []},
    )
    for changes in cases:
        outputs = stack.deploy(**changes)
        rule = events.describe_rule(Name=outputs["RuleName"], EventBusName=outputs["EventBusName"])
        archive = events.describe_archive(ArchiveName=outputs["ArchiveArn"].rsplit("/", 1)[1])
        expected = json.loads(pattern(complete(stack.parameters, {})))
        assert json.loads(rule["EventPattern"]) == expected
        expected.pop("detail", None)  # of any queue
        assert json.loads(archive["EventPattern"]) == expected


def test_the_partner_bus_is_matched_by_prefix(aws: boto3.Session) -> None:
    """By default the rule matches customer.end of every Genesys source, and of no other."""
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


def test_an_id_may_stand_in_the_place_of_the_template(aws: boto3.Session) -> None:
    """The rule matches customer.end of any conversation by template and by id; without ConcreteIds by template only."""
    values = {name: value for name, value in defaults().items() if value is not None}
    events = aws.client("events")

    def passes(detail_type: str, concrete: str = "true") -> bool:
        event = {"id": "1", "account": "1", "source": f"{values['EventSourcePrefix']}/cloud/org/suffix"}
        event |= {"time": "2026-01-01T00:00:00Z", "region": "r", "detail-type": detail_type}
        text = json.dumps({**event, "resources": [], "detail": {}})
        answer = events.test_event_pattern(
            EventPattern=pattern(values | {"ConcreteIds": concrete}), Event=text
        )
        return bool(answer["Result"])

    concrete = CUSTOMER_END.replace("{id}", CONVERSATION)
    assert (passes(CUSTOMER_END), passes(concrete)) == (True, True)
    assert (passes(CUSTOMER_END, "false"), passes(concrete, "false")) == (True, False)
    assert not passes(concrete.replace("customer", "user"))


def test_the_outputs_name_what_others_need(stack: Deployed) -> None:
    """The resources of the outputs, which workers, tests and users need, exist."""
    outputs = stack.deploy()
    database, sqs = stack.session.client("dynamodb"), stack.session.client("sqs")
    for name in (
        "InteractionTableName",
        "QuarantineTableName",
        "BudgetTableName",
        "DirectoryTableName",
    ):
        assert database.describe_table(TableName=outputs[name])["Table"]["TableStatus"] == "ACTIVE"
    for name in ("BufferQueueUrl", "DeadLetterQueueUrl"):
        assert sqs.get_queue_attributes(QueueUrl=outputs[name], AttributeNames=["QueueArn"])["Attributes"]
    stack.session.client("s3").head_bucket(Bucket=outputs["ConversationBucketName"])


def test_records_expire_by_their_own_attribute(stack: Deployed) -> None:
    """The tables of data and the directory have time to live on expiresAt."""
    outputs = stack.deploy()
    for name in ("InteractionTableName", "QuarantineTableName", "DirectoryTableName"):
        found = stack.session.client("dynamodb").describe_time_to_live(TableName=outputs[name])
        assert found["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}
