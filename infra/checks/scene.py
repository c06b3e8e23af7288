"""What every check may look at: the session, the stack's outputs and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from infra.parameters import complete
from infra.queues import attributes

if TYPE_CHECKING:
    import boto3

    from infra.stack import Stack


@dataclass(frozen=True)
class Scene:
    """A deployed stack and the account around it."""

    session: boto3.Session
    stack: Stack

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    def client(self, service: str) -> Any:
        """Return boto3's client for a service, the same one every time."""
        if service not in self._clients:
            self._clients[service] = self.session.client(service)  # type: ignore[call-overload]
        return self._clients[service]

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return self.stack.outputs()

    @cached_property
    def values(self) -> dict[str, str]:
        """The stack's parameters, defaults included."""
        return complete({}, self.stack.parameters())

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Who we are to AWS."""
        return dict(self.client("sts").get_caller_identity())

    @property
    def region(self) -> str:
        """The region we look at."""
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
        return attributes(self.client("sqs"), url)
