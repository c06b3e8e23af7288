"""Deploys the template: completes the parameters, uploads the bridge, executes a change set."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import boto3

from infra.errors import InvalidInput
from infra.stack import kept, template
from infra.stack.bundle import BRIDGE, bundle, upload
from infra.stack.change_set import Plan, Stack, StackEvent
from infra.stack.parameters import Value, check, check_database, complete

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
        self.tags, self.given = {**TAGS, **(tags or {})}, dict(parameters)
        self.values = complete(parameters, stack.parameters())
        check(self.values)
        check_database(stack.name, self.values)

    def client(self, service: str) -> Any:
        """Return the client of a service."""
        return self.session.client(service, endpoint_url=self.endpoint_url)  # type: ignore[call-overload]

    def plan(self, *, upload: bool = True) -> Plan | None:
        """Upload the bridge if asked to, make a change set and return it; None when it would change nothing."""
        creates = not self.stack.describe()
        if self.values["Bridge"] == "lambda":
            self.values |= self._bridge(to_upload=upload)
        self.values["FormerIndex"] = self._kept_index()
        takes_over = creates and kept.takes_over(self.values)
        self.values["DeletionProtection"] = self._protection(creates=creates, takes_over=takes_over)
        text = template.load()
        if takes_over:
            text = kept.with_names(text, self.values)
        return self.stack.plan(template.body(text), self.values, self.tags, takes_over=takes_over)

    def plans(self) -> Iterator[Plan]:
        """Yield each change set in turn, to be executed before the next is made.

        There is one, or none; two where two indexes of a former release go, because DynamoDB removes one in an update;
        and a second after a creation, which protects the new tables.
        """
        while plan := self.plan():
            yield plan
            if self.values["FormerIndex"] == "none" and not plan.creates:
                break
        self._protect()

    def _protection(self, *, creates: bool, takes_over: bool) -> str:
        """Return whether the tables may not be deleted; a creation that fails could not be rolled back with it."""
        if "DeletionProtection" in self.given:
            return self.values["DeletionProtection"]
        return "false" if creates and not takes_over else "true"

    def _protect(self) -> None:
        """Turn on termination protection, and make the dead-letter queue the buffer's alone.

        Neither can be in the template: it has no property for the one, and each queue would need the other's name.
        """
        if self.values["DeletionProtection"] == "true":
            self.stack.protect()
        outputs, sqs = self.stack.outputs(), self.client("sqs")
        buffer = sqs.get_queue_attributes(QueueUrl=outputs["BufferQueueUrl"], AttributeNames=["QueueArn"])
        allowed = {"redrivePermission": "byQueue", "sourceQueueArns": [buffer["Attributes"]["QueueArn"]]}
        sqs.set_queue_attributes(
            QueueUrl=outputs["DeadLetterQueueUrl"], Attributes={"RedriveAllowPolicy": json.dumps(allowed)}
        )

    def _kept_index(self) -> str:
        """Return which former index of the interaction table this update keeps, none by default."""
        if not self.stack.describe() or not (name := self.stack.outputs().get("InteractionTableName")):
            return "none"
        database = self.client("dynamodb")
        try:
            table = database.describe_table(TableName=name)["Table"]
        except database.exceptions.ResourceNotFoundException:
            return "none"
        indexes = {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", ())}
        return "byContact" if indexes >= {"byQueue", "byContact"} else "none"

    def _bridge(self, *, to_upload: bool) -> dict[str, str]:
        """Upload the bridge if asked to, and return the parameters that point at it."""
        account, s3 = self.client("sts").get_caller_identity()["Account"], self.client("s3")
        bucket = self.code_bucket or f"interactions-code-{account}-{s3.meta.region_name}"
        package = bundle(self.bridge)
        if to_upload:
            upload(s3, package, bucket, account)
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
