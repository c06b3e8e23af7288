"""Bounds of the template's parameters, checked before CloudFormation is called; the text names the flag."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infra.errors import InvalidInput
from infra.stack import template

if TYPE_CHECKING:
    from collections.abc import Mapping

RECEIVES = 6  # visibility time-outs in the function's, as AWS advises for a mapping
# Flags that are not called as their parameter is.
FLAGS = {
    "BusName": "--bus",
    "EventSources": "--source",
    "EventSourcePrefix": "--source-prefix",
    "DetailTypes": "--detail-type",
    "QueueIds": "--queue-id",
    "SubnetIds": "--subnet-id",
    "SecurityGroupIds": "--security-group-id",
    "KeptInteractionTable": "--interaction-table",
    "KeptQuarantineTable": "--quarantine-table",
    "KeptBucket": "--conversation-bucket",
}
OWN_FLAGS = {
    "BusMode", "Bridge", "PrefectApiUrl", "PrefectSecretArn", "DeploymentName", "DeploymentId", "SettleSeconds",
    "AlarmTopicArn", "KmsKeyArn", "Archive", "ArchiveDays",
}  # fmt: skip


def flag(name: str) -> str:
    """Return the flag of a parameter: its own, or --set.Name."""
    if name in OWN_FLAGS:
        return "--" + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
    return FLAGS.get(name, f"--set.{name}")


def check_bounds(values: Mapping[str, str]) -> None:
    """Raise InvalidInput for a value that the template does not allow, with the flag and what it allows."""
    for name, field in template.parameters().items():
        if name in values and (wrong := _wrong(values[name], field)):
            raise InvalidInput(f"{flag(name)} ({name}) is {values[name]!r}: {wrong}")


def check_times(values: Mapping[str, str]) -> list[str]:
    """Return warnings about times that do not fit together; raises InvalidInput for those that cannot work."""
    if values["Bridge"] != "lambda":
        return []
    hidden, runs, window = (
        int(values[name]) for name in ("VisibilitySeconds", "BridgeTimeoutSeconds", "BatchWindowSeconds")
    )
    if int(values["BatchSize"]) > 10 and window < 1:  # noqa: PLR2004 - SQS's own batch
        raise InvalidInput("--set.BatchSize above 10 needs --set.BatchWindowSeconds of at least 1")
    if hidden < runs + window:
        raise InvalidInput(
            f"--set.VisibilitySeconds is {hidden}: a message would come back while the bridge still has it. At least "
            f"{runs + window} (BridgeTimeoutSeconds + BatchWindowSeconds), better {RECEIVES * runs + window}"
        )
    if hidden < RECEIVES * runs + window:
        advised = f"{RECEIVES * runs + window}, six times BridgeTimeoutSeconds plus BatchWindowSeconds"
        return [f"VisibilitySeconds is {hidden}; AWS advises at least {advised}"]
    return []


def _wrong(value: str, field: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, nothing if it is allowed."""
    if "AllowedValues" in field and value not in map(str, field["AllowedValues"]):
        return f"one of {', '.join(map(str, field['AllowedValues']))}"
    if "AllowedPattern" in field and not re.fullmatch(field["AllowedPattern"], value):
        return f"not of the form {field['AllowedPattern']}"
    return _wrong_number(value, field) if field["Type"] == "Number" else ""


def _wrong_number(value: str, field: Mapping[str, Any]) -> str:
    if not re.fullmatch(r"-?[0-9]+", value):
        return "not a whole number"
    least, most = field.get("MinValue"), field.get("MaxValue")
    if (least is None or int(value) >= least) and (most is None or int(value) <= most):
        return ""
    return f"from {least} to {most}" if most is not None else f"at least {least}"
