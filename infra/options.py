"""The options of the command line, and the template parameters that they stand for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from infra.errors import InvalidInput
from infra.stack.parameters import Value, split

if TYPE_CHECKING:
    from collections.abc import Mapping

# Topics whose events never carry a queue id: a queue filter at the rule would match none of them.
TOPICS_WITHOUT_QUEUE = (
    "customer.end",
    "customer.start",
    "attributes",
    "flow.start",
    "flow.end",
    "flow.outcome",
    "contact",
    "outbound",
)


@dataclass(frozen=True, kw_only=True)
class StackTarget:
    """The stack, its region, and the AWS profile; the field docstrings are the help texts."""

    stack: str = "interactions"
    """Name of the CloudFormation stack."""
    region: str | None = None
    """AWS region; from the environment or the profile unless given."""
    profile: str | None = None
    """AWS profile; from the environment unless given."""


@dataclass(frozen=True, kw_only=True)
class DeployOptions:
    """The options of deploy and plan; the field docstrings are the help texts.

    An option that is not given keeps its deployed value; in a new stack it has the template's default.
    """

    bus: str | None = None
    """Event bus; with --bus-mode partner the full event source name, aws.partner/genesys.com/cloud/..."""
    bus_mode: Literal["partner", "own", "existing"] | None = None
    """partner associates the event source with a bus, own creates a bus, existing uses one."""
    source: list[str] = field(default_factory=list)
    """Exact event source to match (repeatable); without it, every source with --source-prefix."""
    source_prefix: str | None = None
    """Prefix of the event sources to match; by default aws.partner/genesys.com."""
    detail_type: list[str] = field(default_factory=list)
    """Detail-type to match (repeatable); by default v2.detail.events.conversation.{id}.customer.end."""
    queue_id: list[str] = field(default_factory=list)
    """Genesys queue id, a UUID (repeatable). See --filter-at."""
    every_queue: bool = False
    """Remove the queue filter from the rule."""
    filter_at: Literal["rule", "fetch"] = "rule"
    """Where --queue-id filters. rule: free of charge, but events without a queue id do not match, and customer.end
    never has one: use detail-types such as acd.end, user.end, acw, wrapup or the tutorials' conversation.end.
    fetch: works with any detail-type, because the queues come from the conversation's details, but every event
    is fetched first. The workers then filter: this command prints the QUEUE_IDS to give them, and removes the
    filter from the rule."""
    bridge: Literal["lambda", "api-destination"] | None = None
    """lambda batches events. api-destination starts a run for each event, for small volumes: no idempotency
    key, no back-pressure, no settle delay, and a copy of the Prefect key that is made on deployment."""
    prefect_api_url: str | None = None
    """Prefect API as the bridge reaches it, ending in /api or in a workspace's path; else PREFECT_API_URL."""
    prefect_secret_arn: str | None = None
    """Secrets Manager secret with the Prefect API key."""
    deployment_name: str | None = None
    """Prefect deployment, flow/deployment."""
    deployment_id: str | None = None
    """Its id, which an API destination needs; looked up in Prefect unless given."""
    settle_seconds: int | None = None
    """Seconds that the buffer holds events back."""
    subnet_id: list[str] = field(default_factory=list)
    """Subnet of the bridge (repeatable), for a Prefect API inside a VPC."""
    security_group_id: list[str] = field(default_factory=list)
    """Security group of the bridge (repeatable)."""
    alarm_topic_arn: str | None = None
    """SNS topic for the alarms."""
    kms_key_arn: str | None = None
    """Customer key for queues, tables, bucket, archive and the bridge's log; its policy must let EventBridge and
    CloudWatch Logs use it."""
    archive: bool | None = None
    """Keep events in an archive, for `replay`."""
    archive_days: int | None = None
    """Days that the archive keeps them; 0 keeps them for ever."""
    interaction_table: str | None = None
    """Interaction table that a deleted stack has kept, for a new stack to take over."""
    quarantine_table: str | None = None
    """Quarantine table that a deleted stack has kept, for a new stack to take over."""
    conversation_bucket: str | None = None
    """Bucket that a deleted stack has kept, for a new stack to take over."""
    new_tables: bool = False
    """Make new tables although a deleted stack of this name has kept its own, which have the tombstones."""
    tag: dict[str, str] = field(default_factory=dict)
    """Tag of every resource of the stack: --tag.team contact-centre. A tag that is not given again is removed."""
    set: dict[str, str] = field(default_factory=dict)
    """Any other parameter of the template: --set.MaximumConcurrency 4."""

    def parameters(self) -> dict[str, Value]:
        """Return the parameters of the options that were given; raises InvalidInput for contradictory ones."""
        given: dict[str, Value | None] = {
            "BusName": self.bus,
            "BusMode": self.bus_mode,
            "EventSources": self.source or None,
            "EventSourcePrefix": self.source_prefix,
            "DetailTypes": self.detail_type or None,
            "QueueIds": self._queues_at_rule(),
            "Bridge": self.bridge,
            "PrefectApiUrl": self.prefect_api_url.rstrip("/") if self.prefect_api_url else None,
            "PrefectSecretArn": self.prefect_secret_arn,
            "DeploymentName": self.deployment_name,
            "DeploymentId": self.deployment_id,
            "SettleSeconds": self.settle_seconds,
            "SubnetIds": self.subnet_id or None,
            "SecurityGroupIds": self.security_group_id or None,
            "AlarmTopicArn": self.alarm_topic_arn,
            "KmsKeyArn": self.kms_key_arn,
            "Archive": self.archive,
            "ArchiveDays": self.archive_days,
            "KeptInteractionTable": self.interaction_table,
            "KeptQuarantineTable": self.quarantine_table,
            "KeptBucket": self.conversation_bucket,
            **self.set,
        }
        if self.source_prefix and not self.source:
            given["EventSources"] = []
        return {name: value for name, value in given.items() if value is not None}

    def _queues_at_rule(self) -> list[str] | None:
        if self.every_queue and self.queue_id:
            raise InvalidInput("--every-queue and --queue-id contradict each other: give one of them")
        if self.every_queue or (self.queue_id and self.filter_at == "fetch"):
            return []
        return self.queue_id or None


def check_filter(values: dict[str, str]) -> list[str]:
    """Return warnings about a queue filter at the rule; raises InvalidInput when it would match no event."""
    if not split(values.get("QueueIds", "")):
        return []
    types = split(values.get("DetailTypes", "")) or ["v2.detail.events.conversation.{id}.customer.end"]
    without = [
        name for name in types if name.endswith(tuple(f"}}.{topic}" for topic in TOPICS_WITHOUT_QUEUE))
    ]
    if len(without) == len(types):
        raise InvalidInput(
            f"no event would match: {', '.join(without)} carries no queue id. Filter after the fetch "
            "(--filter-at fetch), or choose topics that carry one (--detail-type "
            "'v2.detail.events.conversation.{id}.acd.end')"
        )
    return [f"{name} carries no queue id, so no such event matches the filter" for name in without]


def check_bus(former: Mapping[str, str], values: Mapping[str, str]) -> list[str]:
    """Return a warning about a change of the bus; raises InvalidInput for a default bus that would have to be made."""
    if values["BusName"] == "default" and values["BusMode"] != "existing":
        raise InvalidInput("the default bus exists in every account: give --bus-mode existing")
    before = former.get("BusName")
    if not before or before == values["BusName"]:
        return []
    archive = " and its archive" if former.get("Archive") == "true" else ""
    remains = f"The bus {before}{archive} will remain, outside the stack: events of before the change can be replayed"
    return [f"{remains} as long as the archive keeps them, see docs/operations.md, Change the bus."]
