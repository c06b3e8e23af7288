"""What the checks have in common: the AWS session, the stack's outputs and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from infra.stack.parameters import complete

if TYPE_CHECKING:
    import boto3

    from infra.stack.change_set import Stack


@dataclass(frozen=True)
class CheckContext:
    """A deployed stack and its AWS account; everything is read once."""

    session: boto3.Session
    stack: Stack

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    def client(self, service: str) -> Any:
        """Return the client of a service, the same one for all checks."""
        if service not in self._clients:
            self._clients[service] = self.session.client(service)  # type: ignore[call-overload]
        return self._clients[service]

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return self.stack.outputs()

    @cached_property
    def values(self) -> dict[str, str]:
        """The stack's parameters, with the template's defaults."""
        return complete({}, self.stack.parameters())

    @cached_property
    def identity(self) -> dict[str, Any]:
        """The caller's AWS identity: Account, Arn, UserId."""
        return dict(self.client("sts").get_caller_identity())

    @property
    def region(self) -> str:
        """The region of the session."""
        return str(self.client("sts").meta.region_name)

    @property
    def by_lambda(self) -> bool:
        """Whether the bridge is the Lambda function."""
        return self.values["Bridge"] == "lambda"

    def queue_arn(self, url: str) -> str:
        """Return a queue's ARN."""
        return self.queue(url)["QueueArn"]

    def queue(self, url: str) -> dict[str, str]:
        """Return a queue's attributes."""
        found = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        return dict(found["Attributes"])
