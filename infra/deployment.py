"""From the template and a few parameters to a running stack."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import boto3

from infra.bundle import BRIDGE, bundle, upload
from infra.errors import InvalidInput
from infra.parameters import TEMPLATE, Value, check, complete
from infra.stack import Plan, Stack, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TAGS = {"Application": "interactions"}
STACK_NAME = re.compile(
    r"[A-Za-z][A-Za-z0-9-]{0,56}"
)  # a rule's name has 64 characters, "-events" among them


class Deployment:
    """A stack, what was asked of it, and `values`: all its parameters as they will be."""

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

    def plan(self) -> Plan | None:
        """Upload the bridge, make a change set and return it; None when nothing would change."""
        if self.values["Bridge"] == "lambda":
            self.values |= self._ship()
        return self.stack.plan(TEMPLATE.read_text(), self.values, self.tags)

    def _ship(self) -> dict[str, str]:
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
    report: Callable[[Step], None] = lambda _: None,
    poll: float = 2.0,
) -> dict[str, str]:
    """Deploy the template without a question and return the stack's outputs by name.

    `parameters` are the template's, by name; lists may be lists. What is not given stays as it is deployed,
    and is the template's default at first. `poll` is in seconds. Region, credentials and endpoint are
    boto3's: from the environment unless given. Raises InfraError, with the resource and the reason when
    CloudFormation went back to the former state.
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
    if plan := deployment.plan():
        deployment.stack.execute(plan, report)
    return deployment.stack.outputs()


def checked_name(name: str) -> str:
    """Return the stack's name; raises InvalidInput when AWS would refuse it, or a rule derived from it."""
    if not STACK_NAME.fullmatch(name):
        raise InvalidInput(f"stack name {name!r} is not a letter and at most 56 letters, digits, hyphens")
    return name
