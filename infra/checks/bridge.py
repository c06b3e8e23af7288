"""The bridge: the Lambda function and its event source mapping, or the API destination."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from infra.checks.bus import REDEPLOY
from infra.checks.result import Check, Wrong

if TYPE_CHECKING:
    from infra.checks.scene import Scene

LATELY = timedelta(hours=1)


def checks(scene: Scene) -> list[Check]:
    """Return this module's checks, by the kind of bridge."""
    if not scene.by_lambda:
        return [Check("API destination", lambda: destination(scene))]
    return [
        Check("bridge function", lambda: function(scene)),
        Check("bridge mapping", lambda: mapping(scene)),
        Check(
            "bridge throttles",
            lambda: metric(scene, "Throttles", "raise the account's or its own concurrency"),
        ),
        Check(
            "bridge errors", lambda: metric(scene, "Errors", f"read {scene.outputs['BridgeLogGroupName']}")
        ),
    ]


def function(scene: Scene) -> str:
    """The function is active and has the Prefect API that was deployed."""
    name = scene.outputs["BridgeFunctionName"]
    found = scene.client("lambda").get_function_configuration(FunctionName=name)
    if found.get("State") != "Active" or found.get("LastUpdateStatus") != "Successful":
        state = f"{found.get('State')}, last update {found.get('LastUpdateStatus')}"
        raise Wrong(f"{name} is {state}", found.get("StateReason") or REDEPLOY)
    url = found.get("Environment", {}).get("Variables", {}).get("PREFECT_API_URL")
    if url != scene.values["PrefectApiUrl"]:
        raise Wrong(f"PREFECT_API_URL of {name} is {url}, not {scene.values['PrefectApiUrl']}", REDEPLOY)
    return name


def mapping(scene: Scene) -> str:
    """The mapping from the buffer is enabled, and its last batch went well."""
    found = scene.client("lambda").list_event_source_mappings(
        FunctionName=scene.outputs["BridgeFunctionName"],
        EventSourceArn=scene.queue_arn(scene.outputs["BufferQueueUrl"]),
    )["EventSourceMappings"]
    if not found:
        raise Wrong("nothing calls the bridge: it has no mapping from the buffer", REDEPLOY)
    if found[0]["State"] != "Enabled":
        raise Wrong(f"the mapping is {found[0]['State']}", "aws lambda update-event-source-mapping --enabled")
    last = found[0].get("LastProcessingResult") or "not used yet"
    if last.startswith(("PROBLEM", "FAILED")):
        raise Wrong(f"the last batch: {last}", f"read {scene.outputs['BridgeLogGroupName']}")
    return f"enabled, last batch: {last}"


def metric(scene: Scene, name: str, mend: str) -> str:
    """One of the function's metrics was zero in the last hour."""
    now = datetime.now(UTC)
    points = scene.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=name,
        Dimensions=[{"Name": "FunctionName", "Value": scene.outputs["BridgeFunctionName"]}],
        StartTime=now - LATELY,
        EndTime=now,
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    if count := int(sum(point["Sum"] for point in points)):
        raise Wrong(f"{count} in the last hour", mend)
    return "none in the last hour"


def destination(scene: Scene) -> str:
    """The API destination is active, and its connection authorized."""
    events = scene.client("events")
    found = events.describe_api_destination(Name=scene.outputs["ApiDestinationName"])
    name = found["ConnectionArn"].split("connection/")[1].split("/")[0]
    state = events.describe_connection(Name=name)["ConnectionState"]
    if found["ApiDestinationState"] != "ACTIVE" or state != "AUTHORIZED":
        raise Wrong(f"destination is {found['ApiDestinationState']}, its connection {state}", REDEPLOY)
    return str(found["InvocationEndpoint"])
