"""The policies of the deploying user are sufficient for every resource of the template and every command, and no more.

It is compared with the permissions that CloudFormation's registry lists for each resource type, and with IAM's list
of actions, as cfn-lint has them; AWS is not called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import boto3
import pytest
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from deployments.sandbox.genesys.process import running
from infra.archive_replay import Replay
from infra.dead_letters import DeadLetterQueue
from infra.stack import delete as removal
from infra.stack.change_set import Stack
from infra.verify.run import verify
from tests.support.deployed_arns import ARNS, RESOURCES, arn
from tests.support.iam import BOUNDARIES, DEPLOYER, Statement, names, read_policy
from tests.support.stack import Deployed
from tests.support.templates import INFRA, as_list

# Actions for features of a type that this template does not use. Those for reading are needed all the same, because
# CloudFormation reads every feature.
UNUSED = (
    r"dynamodb:.*(Kinesis|Import|Replica|ResourcePolicy|ContributorInsights|Item|Scan|Query).*",
    r"(kinesis|firehose|s3tables|s3files|elasticfilesystem):.*",
    r"logs:.*(DataProtection|LogDelivery|IndexPolic|ResourcePolic|Bearer|Protection).*",
    r"s3:.*(Analytics|CORS|Inventory|Metrics|Notification|Replication|Website|Accelerate|Acl).*",
    r"s3:.*(ObjectLock|Logging|Versioning|IntelligentTiering|Metadata|Abac|ObjectVersion).*",
    r"lambda:.*(CodeSigning|Layer|RuntimeManagement|Recursion|Scaling|Capacity|PublishVersion).*",
    r"iam:(Attach|Detach).*|iam:DeleteRolePermissionsBoundary|iam:UpdateRoleDescription",
    r"iam:UpdateAssumeRolePolicy",  # a change of whom a role trusts is an administrator's
    r"glue:(Pass|Create|Update|Delete)Connection",  # a database of another engine
    r"events:(Put|Remove)Permission",  # only for a bus of several accounts
    r"kms:(ListAliases|RevokeGrant|ReEncrypt.*|GenerateDataKeyWithoutPlaintext)",
)
# Services whose actions are on another resource than the type's: only the action is looked for.
ELSEWHERE = ("kms", "ec2", "secretsmanager", "lakeformation")
ANOTHER_NAME = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "cloudwatch:GetMetricStatistics": "cloudwatch:GetMetricStatistics",
}


def policy() -> list[Statement]:
    """Return what the deployer's two policies allow, conditions included."""
    return [each for each in read_policy(*DEPLOYER) if each["Effect"] == "Allow"]


@cache
def known_actions() -> dict[str, Any]:
    """Return IAM's actions by service, in lower case, with the resources that they know."""
    return dict(load_resource(AdditionalSpecs, "Policies.json"))


def known(action: str) -> dict[str, Any] | None:
    """Return IAM's entry of an action, None for an unknown one."""
    service, name = action.split(":")
    found: dict[str, Any] | None = known_actions().get(service, {}).get("Actions", {}).get(name.lower())
    return found


def allows(action: str, resource: str | None = None) -> bool:
    """Return whether a statement allows the action, on the resource if one is given; conditions are ignored."""
    return any(names(each, action, resource) for each in policy())


def unused(action: str, kind: str) -> bool:
    """Return whether the action is for a feature of the type that the template does not use."""
    service, own = action.split(":", 1)[0], kind.split("::")[1].lower()
    # Importing a table reads a bucket and writes a log; replicating a bucket passes a role.
    foreign = service in {"logs", "s3", "iam"} and own in {"dynamodb", "s3"} and service != own
    data = action in {"s3:GetObject", "s3:DeleteObject"} and own == "s3"
    return foreign or data or any(re.fullmatch(pattern, action) for pattern in UNUSED)


def required(kind: str) -> Iterator[str]:
    """Yield the actions that CloudFormation's registry lists for a type, without the unused ones."""
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"]
    for handler in ("create", "read", "update", "delete"):
        for action in handlers.get(handler, {}).get("permissions", []):
            # The registry lists some actions that IAM does not have: s3:REST.PUT.OBJECT.
            if known(action) is not None and (handler == "read" or not unused(action, kind)):
                yield action


def test_there_is_an_arn_for_every_type_of_the_template() -> None:
    """A resource type that is added to the template needs an ARN here."""
    assert set(RESOURCES.values()) == set(ARNS)


@pytest.mark.parametrize("name", sorted(RESOURCES))
def test_a_resource_can_be_made_read_changed_and_deleted(name: str) -> None:
    """The actions that the registry lists for the type are allowed on the name that the stack gives it."""
    kind = RESOURCES[name]
    actions = set(required(kind))
    assert actions
    for action in actions:
        service = action.split(":")[0]
        results = service == "s3" and kind == "AWS::Athena::WorkGroup"  # of queries, in the stack's bucket
        own = service not in ELSEWHERE and not results and not action.startswith("iam:CreateService")
        unnamed = {"iam:PassRole", "lambda:CreateEventSourceMapping"}
        resource = arn(name) if own and action not in unnamed else None
        # s3:GetObject reads the function's code, which is in a bucket of its own.
        code = "arn:aws:s3:::interactions-code-123456789012-us-east-1/bridge/1.zip"
        resource = code if action == "s3:GetObject" else resource
        assert allows(action, resource), f"{action} on {resource}"


def test_every_action_is_one_that_iam_knows() -> None:
    """No action is misspelt, and every pattern of actions matches some."""
    every = [f"{s}:{n}" for s, each in known_actions().items() for n in each["Actions"]]
    for pattern in (
        action for each in read_policy(*DEPLOYER, *BOUNDARIES) for action in as_list(each["Action"])
    ):
        assert any(fnmatchcase(name, pattern.lower()) for name in every), pattern


def test_only_reading_is_allowed_by_pattern() -> None:
    """An action that changes something has its full name in the policy."""
    patterns = [a for each in policy() for a in as_list(each["Action"]) if "*" in a]
    assert [a for a in patterns if not re.fullmatch(r"[a-z\d]+:(Get|List|Describe)\w*\*\w*", a)] == []


def test_every_resource_is_allowed_only_for_actions_without_one() -> None:
    """Resource * is for actions that IAM knows no resource for, and for describing alarms, which lists them."""
    wide = [action for each in policy() if each["Resource"] == "*" for action in as_list(each["Action"])]
    assert [a for a in wide if (known(a) or {}).get("Resources")] == ["cloudwatch:DescribeAlarms"]


@pytest.mark.parametrize("name", [*DEPLOYER, *BOUNDARIES])
def test_it_fits_into_one_managed_policy(name: str) -> None:
    """IAM allows 6,144 characters, without white space."""
    assert len(re.sub(r"\s", "", (INFRA / name).read_text())) <= 6144


def test_the_commands_call_nothing_else(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deploying, verifying, redriving, replaying and deleting, with data, need no other action."""
    monkeypatch.setenv("GENESYS_CLIENT_ID", "sandbox-client")
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", "sandbox-secret")
    called: set[str] = set()

    def note(model: Any, **_: Any) -> None:
        called.add(f"{model.service_model.signing_name}:{model.name}")

    session: Any = stack.session
    session.events.register("before-call", note)
    outputs = stack.deploy()
    stack.deploy(SettleSeconds=1)
    with running() as genesys:
        monkeypatch.setenv("GENESYS_LOGIN_URL", genesys)
        monkeypatch.setenv("GENESYS_API_URL", genesys)
        run_everything(session, outputs)
    assert len(called) > 25
    # This action needs no permission.
    actions = {ANOTHER_NAME.get(name, name) for name in map(_by_iam, called)} - {"sts:GetCallerIdentity"}
    assert [action for action in sorted(actions) if not allows(action)] == []


def run_everything(session: boto3.Session, outputs: dict[str, str]) -> None:
    """Run the commands that follow a deployment, as the command line does."""
    deployed = Stack(session.client("cloudformation"), "interactions", 0.05)
    verify(session, deployed, wait=0.1)
    letters = DeadLetterQueue(session.client("sqs"), outputs)
    session.client("sqs").send_message(QueueUrl=outputs["DeadLetterQueueUrl"], MessageBody="{}")
    letters.look()
    letters.redrive(50)
    again = Replay(session.client("events"), outputs, 0.05)
    again.follow(again.start(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)))
    removal.delete_data(session, removal.delete_stack(session, deployed, lambda _: None))


def _by_iam(name: str) -> str:
    """Return the call's action in IAM: CloudWatch signs its calls as `monitoring`."""
    return name.replace("monitoring:", "cloudwatch:")
