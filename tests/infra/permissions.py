"""What IAM asks for a call to AWS, and what a policy of the template allows, by the template's own names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from tests.infra.test_template import as_list, statements, template

_OTHER_NAMES = {
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
}
_STATEMENT = re.compile(r'\s*(INSERT|UPDATE|DELETE|SELECT)\s+(?:INTO|FROM)?\s*"([^"]+)"', re.IGNORECASE)


class Needed(NamedTuple):
    """An action on a resource: `InteractionTable/index/byDue`, `ConversationBucket/conversations/...`."""

    action: str
    resource: str


def needed(call: dict[str, Any], names: dict[str, str]) -> set[Needed]:
    """What IAM asks for a call; `names` are the template's logical names by the physical ones."""
    found = _of_dynamodb(call) if call["service"] == "dynamodb" else _of_others(call)
    return {Needed(action, _logical(resource, names)) for action, resource in found}


def _of_dynamodb(call: dict[str, Any]) -> Iterator[tuple[str, str]]:
    operation, given = call["operation"], call["parameters"]
    if operation in ("BatchExecuteStatement", "ExecuteStatement"):
        for each in given.get("Statements", [given]):
            found = _STATEMENT.match(each["Statement"])
            assert found, each["Statement"]
            yield f"dynamodb:PartiQL{found[1].capitalize()}", found[2]
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table in given["RequestItems"]:
            yield f"dynamodb:{operation}", table
    elif operation == "TransactWriteItems":
        for kind, item in (pair for each in given["TransactItems"] for pair in each.items()):
            yield (
                f"dynamodb:{'ConditionCheckItem' if kind == 'ConditionCheck' else kind + 'Item'}",
                item["TableName"],
            )
    else:
        index = f"/index/{given['IndexName']}" if "IndexName" in given else ""
        yield f"dynamodb:{operation}", given["TableName"] + index


def _of_others(call: dict[str, Any]) -> Iterator[tuple[str, str]]:
    service, operation, given = call["service"], call["operation"], call["parameters"]
    if service == "s3":
        if operation == "DeleteObjects":
            for each in given["Delete"]["Objects"]:
                yield _deletion(each), f"{given['Bucket']}/{each['Key']}"
            return
        key = f"/{given['Key']}" if "Key" in given else ""
        action = _deletion(given) if operation == "DeleteObject" else f"s3:{operation}"
        yield _OTHER_NAMES.get(action, action), given["Bucket"] + key
    else:
        yield f"{service}:{operation}", given.get("QueueUrl") or given.get("SecretId") or "?"


def _deletion(each: dict[str, Any]) -> str:
    return "s3:DeleteObjectVersion" if "VersionId" in each else "s3:DeleteObject"


def _logical(resource: str, names: dict[str, str]) -> str:
    for physical, logical in sorted(names.items(), key=lambda pair: -len(pair[0])):
        if resource == physical or resource.startswith(f"{physical}/"):
            return logical + resource[len(physical) :]
    return resource


def allowed(logical_id: str) -> set[Needed]:
    """Every pair that the policies of a resource of the template allow; resources may end with *."""
    found = template("template.yaml")["Resources"][logical_id]["Properties"]
    given = found.get("PolicyDocument") or [
        each for each in statements(found.get("Policies")) if "Resource" in each
    ]
    return {
        Needed(action, _named(resource))
        for each in statements(given)
        if each["Effect"] == "Allow"
        for action in as_list(each["Action"])
        for resource in as_list(each["Resource"])
    }


def _named(resource: Any) -> str:
    """A resource of a policy by logical names: `!GetAtt X.Arn` is X, `!Sub ${X.Arn}/y` is X/y."""
    if isinstance(resource, str):
        return resource
    ((function, value),) = resource.items()
    if function == "Fn::GetAtt":
        return str(value[0] if isinstance(value, list) else value.split(".")[0])
    if function == "Fn::Sub":
        return re.sub(r"\$\{(\w+)\.Arn\}", r"\1", value)
    return str(value)


def matching(pair: Needed, policy: set[Needed]) -> set[Needed]:
    """The pairs of a policy that allow this one."""
    return {
        each for each in policy if each.action == pair.action and fnmatchcase(pair.resource, each.resource)
    }
