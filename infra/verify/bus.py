"""Checks of AWS: identity, stack, partner event source, rule, target, queue policies, dead letters.

The docstring of a check says what holds when it passes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.dead_letters import DeadLetterQueue
from infra.stack.change_set import GOOD_STATUSES, STUCK_STATUSES
from infra.stack.parameters import matches_ids, pattern, split
from infra.verify.check import Check, CheckFailed, CheckUnknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.verify.context import CheckContext

REDEPLOY = "`python -m infra deploy` restores it"
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"  # of no queue and no conversation


def checks(context: CheckContext) -> list[Check]:
    """Return this module's checks."""
    return [
        Check("partner event source", lambda: partner_source(context)),
        Check("rule enabled", lambda: rule_enabled(context)),
        Check("rule pattern", lambda: rule_pattern(context)),
        Check("rule target", lambda: rule_target(context)),
        Check("queue policies", lambda: queue_policies(context)),
        Check("dead letters", lambda: dead_letters(context)),
    ]


def identity(context: CheckContext) -> str:
    """The credentials are valid."""
    return f"account {context.identity['Account']}, region {context.region}"


def stack_status(context: CheckContext) -> str:
    """The stack exists, and no operation on it is in progress or failed."""
    found = context.stack.describe()
    if found is None:
        raise CheckFailed(
            f"no stack {context.stack.name} in {context.region}",
            "`python -m infra deploy`, or --stack, --region",
        )
    if found["StackStatus"] in STUCK_STATUSES:
        raise CheckFailed(
            f"stack is {found['StackStatus']}", "correct the cause, then `python -m infra rollback`"
        )
    if found["StackStatus"] not in GOOD_STATUSES | {"UPDATE_ROLLBACK_COMPLETE"}:
        raise CheckFailed(f"stack is {found['StackStatus']}", "wait for it, then deploy again")
    return f"{context.stack.name} is {found['StackStatus']}"


def partner_source(context: CheckContext) -> str:
    """The partner event source is associated with a bus."""
    name = context.outputs["EventBusName"]
    if not name.startswith("aws.partner/"):
        return f"{name} is no partner bus, so it needs no association"
    state = context.client("events").describe_event_source(Name=name).get("State")
    if state != "ACTIVE":
        raise CheckFailed(
            f"{name} is {state}: its events are dropped",
            "deploy with --bus-mode partner; DELETED means that the integration was deleted in Genesys Cloud",
        )
    return f"{name} is ACTIVE"


def rule_enabled(context: CheckContext) -> str:
    """The rule exists and is enabled."""
    try:
        rule = _rule(context)
    except CheckUnknown as error:
        raise CheckFailed(
            f"no rule {context.outputs['RuleName']} on {context.outputs['EventBusName']}", REDEPLOY
        ) from error
    if rule["State"] != "ENABLED":
        raise CheckFailed(f"rule {rule['Name']} is {rule['State']}", f"aws events enable-rule, or {REDEPLOY}")
    return f"{rule['Name']} on {context.outputs['EventBusName']}"


def rule_pattern(context: CheckContext) -> str:
    """The rule's pattern is the deployed one; it matches the sample events that it should, and no others."""
    deployed, expected = json.loads(_rule(context)["EventPattern"]), json.loads(pattern(context.values))
    if deployed != expected:
        raise CheckFailed("the rule's pattern is not the one that was deployed", REDEPLOY)
    events = context.client("events")
    for wanted, sample in samples(context):
        answer = events.test_event_pattern(EventPattern=json.dumps(deployed), Event=json.dumps(sample))
        if answer["Result"] != wanted:
            what = f"{sample['source']} / {sample['detail-type']}"
            raise CheckFailed(
                f"the pattern {'refuses' if wanted else 'passes'} {what}", "change sources, types or queues"
            )
    return json.dumps(deployed)


def rule_target(context: CheckContext) -> str:
    """The rule's only target is the stack's, with the stack's dead-letter queue."""
    _rule(context)
    found = context.client("events").list_targets_by_rule(
        Rule=context.outputs["RuleName"], EventBusName=context.outputs["EventBusName"]
    )["Targets"]
    if len(found) != 1:
        raise CheckFailed(f"the rule has {len(found)} targets instead of 1", REDEPLOY)
    wanted = (
        context.queue_arn(context.outputs["BufferQueueUrl"]) if context.by_lambda else _destination(context)
    )
    if found[0]["Arn"] != wanted:
        raise CheckFailed(f"the rule's target is {found[0]['Arn']}", REDEPLOY)
    dead = found[0].get("DeadLetterConfig", {}).get("Arn")
    if dead != context.queue_arn(context.outputs["DeadLetterQueueUrl"]):
        raise CheckFailed(
            "the target has another dead-letter queue or none: failed events are dropped after a day",
            REDEPLOY,
        )
    return wanted


def queue_policies(context: CheckContext) -> str:
    """The policies of both queues let EventBridge send to them, for this rule only."""
    for name in ("BufferQueueUrl", "DeadLetterQueueUrl"):
        queue = context.queue(context.outputs[name])
        if not any(
            _allows_rule(statement, queue["QueueArn"], context.outputs["RuleArn"])
            for statement in _statements(queue)
        ):
            raise CheckFailed(
                f"{queue['QueueArn']} does not let {context.outputs['RuleArn']} send: no such aws:SourceArn",
                REDEPLOY,
            )
    return f"aws:SourceArn is {context.outputs['RuleArn']}"


def dead_letters(context: CheckContext) -> str:
    """The dead-letter queue is empty."""
    queue = DeadLetterQueue(context.client("sqs"), context.outputs)
    if queue.count():
        total, reasons = queue.look()
        worst = reasons[0].text if reasons else "reason not visible at the moment"
        raise CheckFailed(
            f"{total} dead letters, most of them: {worst}", "remove the cause, then `python -m infra redrive`"
        )
    return "none"


def samples(context: CheckContext) -> Iterator[tuple[bool, dict[str, Any]]]:
    """Yield sample events, each with whether the pattern must match it."""
    values = context.values
    source = (split(values["EventSources"]) or [f"{values['EventSourcePrefix']}/cloud/org/suffix"])[0]
    types, queues = split(values["DetailTypes"]), split(values["QueueIds"])
    for detail_type in types:
        yield True, _sample(source, detail_type, queues[0] if queues else None)
        if "{id}" in detail_type:
            concrete = detail_type.replace("{id}", UNKNOWN_ID)
            yield matches_ids(values), _sample(source, concrete, queues[0] if queues else None)
    yield False, _sample("somebody.else", types[0], queues[0] if queues else None)
    yield False, _sample(source, "no such detail-type", queues[0] if queues else None)
    if queues:
        yield False, _sample(source, types[0], UNKNOWN_ID)
        yield False, _sample(source, types[0], None)


def _sample(source: str, detail_type: str, queue: str | None) -> dict[str, Any]:
    body = {"conversationId": UNKNOWN_ID} | ({"queueId": queue} if queue else {})
    return {
        "version": "0",
        "id": UNKNOWN_ID,
        "detail-type": detail_type,
        "source": source,
        "account": "000000000000",
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {"eventBody": body} if detail_type.startswith("v2.") else body,
    }


def _rule(context: CheckContext) -> Mapping[str, Any]:
    names = {"Name": context.outputs["RuleName"], "EventBusName": context.outputs["EventBusName"]}
    try:
        return dict(context.client("events").describe_rule(**names))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise CheckUnknown("there is no rule") from error


def _destination(context: CheckContext) -> str:
    name = context.outputs["ApiDestinationName"]
    return str(context.client("events").describe_api_destination(Name=name)["ApiDestinationArn"])


def _statements(queue: Mapping[str, str]) -> list[dict[str, Any]]:
    found = json.loads(queue.get("Policy") or "{}").get("Statement", [])
    return list(found) if isinstance(found, list) else [found]


def _allows_rule(statement: Mapping[str, Any], queue: str, rule: str) -> bool:
    return (
        statement.get("Effect") == "Allow"
        and statement.get("Principal") == {"Service": "events.amazonaws.com"}
        and statement.get("Action") in ("sqs:SendMessage", ["sqs:SendMessage"])
        and statement.get("Resource") in (queue, [queue])
        and statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn") in (rule, [rule])
    )
