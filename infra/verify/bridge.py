"""Checks of the bridge: the Lambda function and its event source mapping, or the API destination.

The docstring of a check says what holds when it passes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from infra.verify.bus import REDEPLOY
from infra.verify.check import Check, CheckFailed

if TYPE_CHECKING:
    from infra.verify.context import CheckContext

RECENT = timedelta(hours=1)


def checks(context: CheckContext) -> list[Check]:
    """Return this module's checks, by the kind of bridge."""
    if not context.by_lambda:
        return [Check("API destination", lambda: destination(context))]
    return [
        Check("bridge function", lambda: function(context)),
        Check("bridge mapping", lambda: mapping(context)),
        Check(
            "bridge throttles",
            lambda: metric(context, "Throttles", "raise the concurrency of the account or the function"),
        ),
        Check(
            "bridge errors",
            lambda: metric(context, "Errors", f"read {context.outputs['BridgeLogGroupName']}"),
        ),
    ]


def function(context: CheckContext) -> str:
    """The function is active, with the Prefect API of the stack's parameters."""
    name = context.outputs["BridgeFunctionName"]
    found = context.client("lambda").get_function_configuration(FunctionName=name)
    if found.get("State") != "Active" or found.get("LastUpdateStatus") != "Successful":
        state = f"{found.get('State')}, last update {found.get('LastUpdateStatus')}"
        raise CheckFailed(f"{name} is {state}", found.get("StateReason") or REDEPLOY)
    url = found.get("Environment", {}).get("Variables", {}).get("PREFECT_API_URL")
    if url != context.values["PrefectApiUrl"]:
        raise CheckFailed(
            f"PREFECT_API_URL of {name} is {url}, not {context.values['PrefectApiUrl']}", REDEPLOY
        )
    return name


def mapping(context: CheckContext) -> str:
    """The mapping from the buffer is enabled, and its last batch was processed without an error."""
    found = context.client("lambda").list_event_source_mappings(
        FunctionName=context.outputs["BridgeFunctionName"],
        EventSourceArn=context.queue_arn(context.outputs["BufferQueueUrl"]),
    )["EventSourceMappings"]
    if not found:
        raise CheckFailed("the bridge has no event source mapping from the buffer", REDEPLOY)
    if found[0]["State"] != "Enabled":
        raise CheckFailed(
            f"the mapping is {found[0]['State']}", "aws lambda update-event-source-mapping --enabled"
        )
    last = found[0].get("LastProcessingResult") or "not used yet"
    if last.startswith(("PROBLEM", "FAILED")):
        raise CheckFailed(f"the last batch: {last}", f"read {context.outputs['BridgeLogGroupName']}")
    return f"enabled, last batch: {last}"


def metric(context: CheckContext, name: str, hint: str) -> str:
    """The sum of this metric of the function was zero in the last hour."""
    now = datetime.now(UTC)
    points = context.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=name,
        Dimensions=[{"Name": "FunctionName", "Value": context.outputs["BridgeFunctionName"]}],
        StartTime=now - RECENT,
        EndTime=now,
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    if count := int(sum(point["Sum"] for point in points)):
        raise CheckFailed(f"{count} in the last hour", hint)
    return "none in the last hour"


def destination(context: CheckContext) -> str:
    """The API destination is active, and its connection is authorized."""
    events = context.client("events")
    found = events.describe_api_destination(Name=context.outputs["ApiDestinationName"])
    name = found["ConnectionArn"].split("connection/")[1].split("/")[0]
    state = events.describe_connection(Name=name)["ConnectionState"]
    if found["ApiDestinationState"] != "ACTIVE" or state != "AUTHORIZED":
        raise CheckFailed(f"destination is {found['ApiDestinationState']}, its connection {state}", REDEPLOY)
    return str(found["InvocationEndpoint"])
