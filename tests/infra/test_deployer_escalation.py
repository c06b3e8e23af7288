"""Whoever has the deployer's policies gets no further: each way to more power, or to conversations, is tried.

What IAM would decide is computed here (`tests/support/iam.py`); AWS is not called.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.support.deployed_arns import ACCOUNT, HERE, RESOURCES, arn
from tests.support.iam import BOUNDARIES, DEPLOYER, Statement, allows, names, read_policy
from tests.support.templates import as_list, read_template, statements

POLICY = read_policy(*DEPLOYER)
BRIDGE_BOUNDARY, WORKER_BOUNDARY = (read_policy(name) for name in BOUNDARIES)
IAM = f"arn:aws:iam::{ACCOUNT}:"
BOUNDARY = f"{IAM}policy/guard/interactions-boundary"
ROLE = f"{IAM}role/interactions-BridgeRole-1A2B"
FUNCTION = f"arn:aws:lambda:{HERE}:function:interactions-BridgeFunction-1A2B"
MAPPING = f"arn:aws:lambda:{HERE}:event-source-mapping:1-2-3"
BUCKET = "arn:aws:s3:::interactions-conversationbucket-1a2b"
TABLE = f"arn:aws:dynamodb:{HERE}:table/interactions-InteractionTable-1A2B"
EVENTS = f"arn:aws:events:{HERE}:"
KEY = f"arn:aws:kms:{HERE}:key/1-2-3"
BOUND = {"iam:PermissionsBoundary": BOUNDARY}
SYNTHETIC = str(uuid.uuid5(uuid.NAMESPACE_URL, "synthetic/interactions"))
CHANGES_ROLES = ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"]
LIKE_A_NEIGHBOUR = {"AWS::Lambda::EventSourceMapping", "AWS::Events::EventBus"}  # a number; the partner's bus
# A request, and what it would have led to.
REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    *((action, ROLE, {}, "a role without a boundary") for action in CHANGES_ROLES),
    *(
        (
            action,
            ROLE,
            {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
            "a wide boundary",
        )
        for action in CHANGES_ROLES
    ),
    *(
        (
            action,
            ROLE,
            {"iam:PermissionsBoundary": f"{IAM}policy/interactions-WorkerPolicy-1A2B"},
            "one of its own",
        )
        for action in CHANGES_ROLES
    ),
    ("iam:DeleteRolePermissionsBoundary", ROLE, BOUND, "the boundary is gone"),
    ("iam:AttachRolePolicy", ROLE, BOUND, "any managed policy"),
    ("iam:UpdateAssumeRolePolicy", ROLE, BOUND, "to become an existing role"),
    ("sts:AssumeRole", ROLE, {}, "to become a role"),
    ("iam:CreateRole", f"{IAM}role/Administrator", BOUND, "a role of another name"),
    ("iam:PutRolePolicy", f"{IAM}role/interactions-prod-BridgeRole-1A2B", BOUND, "another stack's role"),
    ("iam:PutRolePolicy", f"{IAM}role/interactions-workers-TaskRole-1A2B", BOUND, "the workers' role"),
    ("iam:CreatePolicyVersion", BOUNDARY, {}, "to move the boundary"),
    ("iam:SetDefaultPolicyVersion", BOUNDARY, {}, "to move the boundary"),
    ("iam:DeletePolicy", BOUNDARY, {}, "to remove the boundary"),
    ("iam:CreatePolicyVersion", f"{IAM}policy/guard/interactions-deployer", {}, "its own permissions"),
    ("iam:CreatePolicyVersion", f"{IAM}policy/interactions-deployer", {}, "its own permissions"),
    ("iam:PutUserPolicy", f"{IAM}user/deployer", {}, "its own permissions"),
    ("iam:AttachUserPolicy", f"{IAM}user/deployer", {}, "its own permissions"),
    (
        "iam:PassRole",
        f"{IAM}role/Administrator",
        {"iam:PassedToService": "lambda.amazonaws.com"},
        "any role's power",
    ),
    (
        "iam:PassRole",
        f"{IAM}role/interactions-workers-TaskRole-1A2B",
        {"iam:PassedToService": "lambda.amazonaws.com"},
        "the workers' power",
    ),
    *(
        ("iam:PassRole", ROLE, {"iam:PassedToService": f"{service}.amazonaws.com"}, "code elsewhere")
        for service in ("ec2", "ecs-tasks", "cloudformation", "glue")
    ),
    ("lambda:CreateFunction", f"arn:aws:lambda:{HERE}:function:mine", {}, "code in a function of its own"),
    ("lambda:InvokeFunction", FUNCTION, {}, "the function's power"),
    ("lambda:AddPermission", FUNCTION, {}, "others call the function"),
    ("lambda:CreateFunctionUrlConfig", FUNCTION, {}, "others call the function"),
    *(
        (action, resource, context, "another function's events")
        for action, resource in (
            ("lambda:CreateEventSourceMapping", "*"),
            ("lambda:UpdateEventSourceMapping", MAPPING),
            ("lambda:DeleteEventSourceMapping", MAPPING),
        )
        for context in (
            {},
            {"lambda:FunctionArn": f"arn:aws:lambda:{HERE}:function:payments"},
            {"lambda:FunctionArn": FUNCTION.replace("interactions-", "interactions-prod-")},
        )
    ),
    (
        "events:PutTargets",
        f"{EVENTS}rule/interactions-events",
        {"events:TargetArn": f"arn:aws:sqs:{HERE}:mine"},
        "copies",
    ),
    ("events:PutRule", f"{EVENTS}rule/mine", {}, "copies of all events of the default bus"),
    ("events:PutRule", f"{EVENTS}rule/{'a.bus'}/not-interactions-events", {}, "copies of a bus's events"),
    ("events:PutEvents", f"{EVENTS}event-bus/default", {}, "events in another's name"),
    ("events:DeleteEventBus", f"{EVENTS}event-bus/payments", {}, "another's bus"),
    ("events:DeleteArchive", f"{EVENTS}archive/payments", {}, "another's archive"),
    ("events:UpdateConnection", f"{EVENTS}connection/payments/1-2-3", {}, "another's connection"),
    (
        "secretsmanager:GetSecretValue",
        f"arn:aws:secretsmanager:{HERE}:secret:payments-AbCdEf",
        {},
        "another's secret",
    ),
    (
        "secretsmanager:GetSecretValue",
        f"arn:aws:secretsmanager:{HERE}:secret:interactions-genesys-AbCdEf",
        {},
        "the key to Genesys",
    ),
    (
        "cloudwatch:PutDashboard",
        f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/payments",
        {},
        "another's dashboard",
    ),
    ("kms:Decrypt", KEY, {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}, "another's data"),
    (
        "kms:Decrypt",
        KEY,
        {"kms:ViaService": "s3.eu-west-1.amazonaws.com", "kms:ResourceAliases": ["alias/interactions-prod"]},
        "another stack's data",
    ),
    ("kms:Decrypt", KEY, {"kms:ResourceAliases": ["alias/interactions"]}, "data without a service between"),
    (
        "kms:CreateGrant",
        KEY,
        {"kms:ViaService": "dynamodb.eu-west-1.amazonaws.com", "kms:ResourceAliases": ["alias/interactions"]},
        "the key for anybody",
    ),
    ("s3:PutObject", f"{BUCKET}/staging/1", {}, "invented conversations"),
    ("dynamodb:PutItem", TABLE, {"dynamodb:LeadingKeys": [SYNTHETIC]}, "invented records"),
    (
        "cloudformation:CreateChangeSet",
        f"arn:aws:cloudformation:{HERE}:stack/interactions-prod/1",
        {},
        "another stack",
    ),
]
READS = [
    *(
        (f"s3:{action}", f"{BUCKET}/{key}")
        for action in ("GetObject", "GetObjectVersion")
        for key in ("staging/1", "tables/x")
    ),
    *(
        (f"dynamodb:{action}", TABLE)
        for action in ("GetItem", "BatchGetItem", "Query", "Scan", "PartiQLSelect")
    ),
    *(
        (f"dynamodb:{action}", TABLE)
        for action in ("ExportTableToPointInTime", "CreateBackup", "PutResourcePolicy")
    ),
    ("athena:StartQueryExecution", f"arn:aws:athena:{HERE}:workgroup/interactions"),
    ("athena:GetQueryResults", f"arn:aws:athena:{HERE}:workgroup/interactions"),
    ("s3:PutReplicationConfiguration", BUCKET),
    ("sqs:ReceiveMessage", f"arn:aws:sqs:{HERE}:interactions-Buffer-1A2B"),
]


@pytest.mark.parametrize(("action", "resource", "context", "leads_to"), REFUSED)
def test_a_way_to_more_power_is_closed(
    action: str, resource: str, context: dict[str, Any], leads_to: str
) -> None:
    """A request that leads beyond the stack is refused."""
    assert not allows(POLICY, action, resource, context), leads_to


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        *((action, ROLE, BOUND) for action in CHANGES_ROLES),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
        ("lambda:CreateEventSourceMapping", "*", {"lambda:FunctionArn": FUNCTION}),
        ("lambda:UpdateEventSourceMapping", MAPPING, {"lambda:FunctionArn": FUNCTION}),
        (
            "events:PutTargets",
            f"{EVENTS}rule/aws.partner/genesys.com/cloud/1/a/interactions-events",
            {"events:TargetArn": [f"arn:aws:sqs:{HERE}:interactions-Buffer-1A2B"]},
        ),
        ("dynamodb:GetItem", TABLE, {"dynamodb:LeadingKeys": [SYNTHETIC]}),
        (
            "kms:CreateGrant",
            KEY,
            {
                "kms:GrantIsForAWSResource": "true",
                "kms:ResourceAliases": ["alias/other", "alias/interactions"],
                "kms:ViaService": "dynamodb.eu-west-1.amazonaws.com",
            },
        ),
    ],
)
def test_the_same_for_the_stack_is_open(action: str, resource: str, context: dict[str, Any]) -> None:
    """The refusals above are for their conditions: with those of a deployment the requests are allowed."""
    assert allows(POLICY, action, resource, context)


@pytest.mark.parametrize("name", sorted(n for n, kind in RESOURCES.items() if kind not in LIKE_A_NEIGHBOUR))
@pytest.mark.parametrize("stack", ["interactions-prod", "my-interactions", "interactionsprod"])
def test_another_stack_is_out_of_reach(name: str, stack: str) -> None:
    """No statement is about a resource of a stack whose name begins or ends as ours does."""
    theirs = arn(name, stack)
    if RESOURCES[name] == "AWS::Events::Rule":
        theirs = f"{EVENTS}rule/{stack}-events"
    if RESOURCES[name] in {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"}:
        theirs = theirs.replace("-1a2b", "-9z9z")
    if RESOURCES[name] == "AWS::Glue::Database":
        theirs = theirs.replace("-", "_")
    found = [
        each["Sid"]
        for each in POLICY
        for resource in as_list(each["Resource"])
        if resource != "*"
        if names(each | {"Action": "*"}, "any:Thing", theirs)
    ]
    assert found == []


@pytest.mark.parametrize(("action", "resource"), READS)
def test_no_conversation_is_read(action: str, resource: str) -> None:
    """Neither whoever deploys nor a role that he can make reads a conversation or a record."""
    reading = {"dynamodb:LeadingKeys": [str(uuid.uuid4())]}
    assert not allows(POLICY, action, resource, reading)
    # Whatever policy he puts on the role, and whomever it trusts: the boundary decides.
    if not resource.startswith("arn:aws:sqs"):
        assert not allows(BRIDGE_BOUNDARY, action, resource, reading)


def test_a_bucket_policy_of_his_own_does_not_help() -> None:
    """A denial is stronger than what he may write into the bucket's policy."""
    granted: Statement = {"Effect": "Allow", "Action": "s3:*", "Resource": f"{BUCKET}/*"}
    assert not allows([*POLICY, granted], "s3:GetObject", f"{BUCKET}/staging/1")


@pytest.mark.parametrize(
    "action",
    ["iam:CreateUser", "iam:PutRolePolicy", "sts:AssumeRole", "lambda:InvokeFunction", "s3:GetObject"],
)
def test_a_role_that_he_makes_has_no_other_power(action: str) -> None:
    """The boundary of the stack's roles ends at what the bridge and the destination do."""
    assert not [each for each in BRIDGE_BOUNDARY if names(each, action)]


@pytest.mark.parametrize(
    ("boundary", "template", "resources"),
    [
        (BRIDGE_BOUNDARY, "template.yaml", ["BridgeRole", "DestinationRole"]),
        (WORKER_BOUNDARY, "template.yaml", ["WorkerPolicy", "PublishPolicy"]),
        (WORKER_BOUNDARY, "worker.yaml", ["ExecutionRole", "TaskRole"]),
    ],
)
def test_the_boundary_does_not_hinder(boundary: list[Statement], template: str, resources: list[str]) -> None:
    """Every action that the template's policies allow is within the boundary, and the boundary has no other."""
    properties = [read_template(template)["Resources"][name]["Properties"] for name in resources]
    wanted = {
        action
        for each in properties
        for statement in statements(each.get("Policies") or each.get("PolicyDocument") or [])
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
    }
    within = {action for each in boundary for action in as_list(each["Action"])}
    assert wanted <= within


def test_a_boundary_allows_nothing_else() -> None:
    """What a boundary allows is what some policy of the templates allows."""
    allowed = {
        action
        for name in ("template.yaml", "worker.yaml")
        for statement in statements(read_template(name))
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
    }
    within = {action for each in BRIDGE_BOUNDARY + WORKER_BOUNDARY for action in as_list(each["Action"])}
    assert within <= allowed


@pytest.mark.parametrize("name", ["template.yaml", "worker.yaml"])
def test_every_role_takes_the_boundary(name: str) -> None:
    """A parameter of either template bounds each of its roles."""
    template = read_template(name)
    roles = [
        each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Role"
    ]
    given = {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}
    assert roles
    assert [role.get("PermissionsBoundary") for role in roles] == [given] * len(roles)
    assert template["Parameters"]["PermissionsBoundaryArn"]["Default"] == ""
