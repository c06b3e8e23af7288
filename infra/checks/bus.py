"""The event bus: AWS itself, the stack, the partner source, the rule, its target and the queues' policies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.checks.result import Check, UnknownState, Wrong
from infra.parameters import pattern, split
from infra.redriving import DeadLetterBox
from infra.stack import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.checks.scene import Scene

REDEPLOY = "`python -m infra deploy` puts it right"
ELSEWHERE = "00000000-0000-4000-8000-000000000000"


def checks(scene: Scene) -> list[Check]:
    """Return this module's checks."""
    return [
        Check("partner event source", lambda: partner_source(scene)),
        Check("rule enabled", lambda: rule_enabled(scene)),
        Check("rule pattern", lambda: rule_pattern(scene)),
        Check("rule target", lambda: rule_target(scene)),
        Check("queue policies", lambda: queue_policies(scene)),
        Check("dead letters", lambda: dead_letters(scene)),
    ]


def identity(scene: Scene) -> str:
    """AWS knows us."""
    return f"account {scene.identity['Account']}, region {scene.region}"


def stack_whole(scene: Scene) -> str:
    """The stack is there and not half changed."""
    found = scene.stack.describe()
    if found is None:
        raise Wrong(
            f"no stack {scene.stack.name} in {scene.region}", "`python -m infra deploy`, or --stack, --region"
        )
    if found["StackStatus"] not in GOOD | {"UPDATE_ROLLBACK_COMPLETE"}:
        raise Wrong(f"stack is {found['StackStatus']}", "wait for it, then deploy again")
    return f"{scene.stack.name} is {found['StackStatus']}"


def partner_source(scene: Scene) -> str:
    """The partner's event source is associated with a bus."""
    name = scene.outputs["EventBusName"]
    if not name.startswith("aws.partner/"):
        return f"{name} is no partner bus, so there is nothing to associate"
    state = scene.client("events").describe_event_source(Name=name).get("State")
    if state != "ACTIVE":
        raise Wrong(
            f"{name} is {state}: its events are dropped",
            "deploy with --bus-mode partner; DELETED means that the integration is gone in Genesys Cloud",
        )
    return f"{name} is ACTIVE"


def rule_enabled(scene: Scene) -> str:
    """The rule is switched on."""
    try:
        rule = _rule(scene)
    except UnknownState as error:
        raise Wrong(
            f"no rule {scene.outputs['RuleName']} on {scene.outputs['EventBusName']}", REDEPLOY
        ) from error
    if rule["State"] != "ENABLED":
        raise Wrong(f"rule {rule['Name']} is {rule['State']}", f"aws events enable-rule, or {REDEPLOY}")
    return f"{rule['Name']} on {scene.outputs['EventBusName']}"


def rule_pattern(scene: Scene) -> str:
    """The rule's pattern is the one that was deployed, and passes what should and nothing else."""
    deployed, expected = json.loads(_rule(scene)["EventPattern"]), json.loads(pattern(scene.values))
    if deployed != expected:
        raise Wrong("the rule's pattern is not the one that was deployed", REDEPLOY)
    events = scene.client("events")
    for wanted, sample in samples(scene):
        answer = events.test_event_pattern(EventPattern=json.dumps(deployed), Event=json.dumps(sample))
        if answer["Result"] != wanted:
            what = f"{sample['source']} / {sample['detail-type']}"
            raise Wrong(
                f"the pattern {'refuses' if wanted else 'passes'} {what}", "change sources, types or queues"
            )
    return json.dumps(deployed)


def rule_target(scene: Scene) -> str:
    """The rule's one target is ours, with the dead-letter queue."""
    _rule(scene)
    found = scene.client("events").list_targets_by_rule(
        Rule=scene.outputs["RuleName"], EventBusName=scene.outputs["EventBusName"]
    )["Targets"]
    if len(found) != 1:
        raise Wrong(f"the rule has {len(found)} targets instead of 1", REDEPLOY)
    wanted = scene.queue_arn(scene.outputs["BufferQueueUrl"]) if scene.by_lambda else _destination(scene)
    if found[0]["Arn"] != wanted:
        raise Wrong(f"the rule's target is {found[0]['Arn']}", REDEPLOY)
    dead = found[0].get("DeadLetterConfig", {}).get("Arn")
    if dead != scene.queue_arn(scene.outputs["DeadLetterQueueUrl"]):
        raise Wrong(
            "the target has not our dead-letter queue: events that fail are dropped after a day", REDEPLOY
        )
    return wanted


def queue_policies(scene: Scene) -> str:
    """EventBridge may send to both queues, for exactly this rule."""
    for name in ("BufferQueueUrl", "DeadLetterQueueUrl"):
        queue = scene.queue(scene.outputs[name])
        if not any(
            _lets(statement, queue["QueueArn"], scene.outputs["RuleArn"]) for statement in _statements(queue)
        ):
            raise Wrong(
                f"{queue['QueueArn']} does not let {scene.outputs['RuleArn']} send: no such aws:SourceArn",
                REDEPLOY,
            )
    return f"aws:SourceArn is {scene.outputs['RuleArn']}"


def dead_letters(scene: Scene) -> str:
    """Nothing is dead."""
    box = DeadLetterBox(scene.client("sqs"), scene.outputs)
    if box.count():
        total, reasons = box.look()
        worst = reasons[0].text if reasons else "reason not visible at the moment"
        raise Wrong(
            f"{total} dead letters, most of them: {worst}", "mend that, then `python -m infra redrive`"
        )
    return "none"


def samples(scene: Scene) -> Iterator[tuple[bool, dict[str, Any]]]:
    """Yield sample events, each with whether it must pass."""
    values = scene.values
    source = (split(values["EventSources"]) or [f"{values['EventSourcePrefix']}/cloud/org/suffix"])[0]
    types, queues = split(values["DetailTypes"]), split(values["QueueIds"])
    for detail_type in types:
        yield True, _sample(source, detail_type, queues[0] if queues else None)
    yield False, _sample("somebody.else", types[0], queues[0] if queues else None)
    yield False, _sample(source, "no such detail-type", queues[0] if queues else None)
    if queues:
        yield False, _sample(source, types[0], ELSEWHERE)
        yield False, _sample(source, types[0], None)


def _sample(source: str, detail_type: str, queue: str | None) -> dict[str, Any]:
    body = {"conversationId": ELSEWHERE} | ({"queueId": queue} if queue else {})
    return {
        "version": "0",
        "id": ELSEWHERE,
        "detail-type": detail_type,
        "source": source,
        "account": "000000000000",
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {"eventBody": body} if detail_type.startswith("v2.") else body,
    }


def _rule(scene: Scene) -> Mapping[str, Any]:
    names = {"Name": scene.outputs["RuleName"], "EventBusName": scene.outputs["EventBusName"]}
    try:
        return dict(scene.client("events").describe_rule(**names))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise UnknownState("there is no rule to look at") from error


def _destination(scene: Scene) -> str:
    name = scene.outputs["ApiDestinationName"]
    return str(scene.client("events").describe_api_destination(Name=name)["ApiDestinationArn"])


def _statements(queue: Mapping[str, str]) -> list[dict[str, Any]]:
    found = json.loads(queue.get("Policy") or "{}").get("Statement", [])
    return list(found) if isinstance(found, list) else [found]


def _lets(statement: Mapping[str, Any], queue: str, rule: str) -> bool:
    return (
        statement.get("Effect") == "Allow"
        and statement.get("Principal") == {"Service": "events.amazonaws.com"}
        and statement.get("Action") in ("sqs:SendMessage", ["sqs:SendMessage"])
        and statement.get("Resource") in (queue, [queue])
        and statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn") in (rule, [rule])
    )
