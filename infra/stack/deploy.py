"""Deploys the template: completes the parameters, uploads the bridge, executes a change set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import boto3

from infra.errors import InvalidInput
from infra.stack.bundle import BRIDGE, bundle, upload
from infra.stack.change_set import Plan, Stack, StackEvent
from infra.stack.parameters import TEMPLATE, Value, check, check_database, complete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

TAGS = {"Application": "interactions"}
STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,56}")  # the rule <stack>-events may have 64 characters


class Deployment:
    """One deployment of a stack. `values`: every parameter of the template, as it will be deployed."""

    def __init__(
        self,
        session: boto3.Session,
        stack: Stack,
        parameters: Mapping[str, Value],
        *,
        endpoint_url: str | None = None,
        bridge: Path = BRIDGE,
        code_bucket: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.session, self.stack, self.endpoint_url = session, stack, endpoint_url
        self.bridge, self.code_bucket = bridge, code_bucket
        self.tags = {**TAGS, **(tags or {})}
        self.values = complete(parameters, stack.parameters())
        check(self.values)
        check_database(stack.name, self.values)

    def plan(self) -> Plan | None:
        """Upload the bridge, make a change set and return it; None when it would change nothing."""
        if self.values["Bridge"] == "lambda":
            self.values |= self._upload_bridge()
        self.values["FormerIndex"] = self._kept_index()
        return self.stack.plan(TEMPLATE.read_text(), self.values, self.tags)

    def plans(self) -> Iterator[Plan]:
        """Yield each change set in turn, to be executed before the next is made.

        There is one, or none; two where two indexes of a former release go, because DynamoDB removes one in an update.
        """
        while plan := self.plan():
            yield plan
            if self.values["FormerIndex"] == "none":
                return

    def _kept_index(self) -> str:
        """Return which former index of the interaction table this update keeps, none by default."""
        if not self.stack.describe():
            return "none"
        database = self.session.client("dynamodb", endpoint_url=self.endpoint_url)
        try:
            table = database.describe_table(TableName=self.stack.outputs()["InteractionTableName"])["Table"]
        except database.exceptions.ResourceNotFoundException:
            return "none"
        indexes = {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", ())}
        return "byContact" if indexes >= {"byQueue", "byContact"} else "none"

    def _upload_bridge(self) -> dict[str, str]:
        """Upload the bridge and return the parameters that point at it."""
        identity = self.session.client("sts", endpoint_url=self.endpoint_url).get_caller_identity()
        s3 = self.session.client("s3", endpoint_url=self.endpoint_url)
        bucket = self.code_bucket or f"interactions-code-{identity['Account']}-{s3.meta.region_name}"
        package = bundle(self.bridge)
        upload(s3, package, bucket, identity["Account"])
        return {"CodeBucket": bucket, "CodeKey": package.key}


def deploy(
    stack_name: str,
    parameters: Mapping[str, Value],
    *,
    session: boto3.Session | None = None,
    endpoint_url: str | None = None,
    bridge: Path = BRIDGE,
    code_bucket: str | None = None,
    tags: Mapping[str, str] | None = None,
    report: Callable[[StackEvent], None] = lambda _: None,
    poll: float = 2.0,
) -> dict[str, str]:
    """Deploy the template without a confirmation and return the stack's outputs by name.

    `parameters`: by the template's names. One that is not given keeps its deployed value, or has the template's
    default in a new stack. `poll`: seconds between two looks at the progress. `session`, `endpoint_url`: boto3's
    own defaults unless given. Raises InfraError; StackFailed names resources and reasons.
    """
    session = session or boto3.Session()
    client = session.client("cloudformation", endpoint_url=endpoint_url)
    deployment = Deployment(
        session,
        Stack(client, checked_name(stack_name), poll),
        parameters,
        endpoint_url=endpoint_url,
        bridge=bridge,
        code_bucket=code_bucket,
        tags=tags,
    )
    for plan in deployment.plans():
        deployment.stack.execute(plan, report)
    return deployment.stack.outputs()


def checked_name(name: str) -> str:
    """Return the stack's name; raises InvalidInput when AWS would reject it, or the rule's name, which holds it."""
    if not STACK_NAME.fullmatch(name):
        raise InvalidInput(f"stack name {name!r} is not a letter and at most 56 letters, digits, hyphens")
    return name
