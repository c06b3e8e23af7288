"""The IAM permissions that AWS calls need, and those that a policy of the template allows, by logical ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from tests.support.templates import as_list, read_template, statements

_OTHER_NAMES = {
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
}
_GLUE = "arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:"
_STATEMENT = re.compile(r'\s*(INSERT|UPDATE|DELETE|SELECT)\s+(?:INTO|FROM)?\s*"([^"]+)"', re.IGNORECASE)


class Needed(NamedTuple):
    """An action on a resource: `InteractionTable/index/byDue`, `ConversationBucket/conversations/...`."""

    action: str
    resource: str


def needed(call: dict[str, Any], names: dict[str, str]) -> set[Needed]:
    """Return the permissions that a call needs; `names` are logical ids by physical names."""
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
    elif service == "glue":
        yield from ((f"glue:{operation}", _GLUE + resource) for resource in _of_glue(given))
    else:
        yield f"{service}:{operation}", given.get("QueueUrl") or given.get("SecretId") or "?"


def _of_glue(given: dict[str, Any]) -> Iterator[str]:
    """Yield the resources of which each has to be allowed: the catalogue, the database, the table."""
    yield "catalog"
    database = given.get("DatabaseName") or given["Name"]
    yield f"database/{database}"
    if "DatabaseName" in given:
        yield f"table/{database}/{given.get('Name') or given.get('TableInput', {}).get('Name', '*')}"


def _deletion(each: dict[str, Any]) -> str:
    return "s3:DeleteObjectVersion" if "VersionId" in each else "s3:DeleteObject"


def _logical(resource: str, names: dict[str, str]) -> str:
    if resource.startswith(_GLUE):  # a database's name is in the middle
        parts = resource.removeprefix(_GLUE).split("/")
        return _GLUE + "/".join(
            [parts[0], *(f"${{{names[part]}}}" if part in names else part for part in parts[1:])]
        )
    for physical, logical in sorted(names.items(), key=lambda pair: -len(pair[0])):
        if resource == physical or resource.startswith(f"{physical}/"):
            return logical + resource[len(physical) :]
    return resource


def allowed(logical_id: str) -> set[Needed]:
    """Return the permissions that the policies of a template's resource allow; resources may end with *."""
    found = read_template("template.yaml")["Resources"][logical_id]["Properties"]
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
    """Return a policy's resource by logical ids: `!GetAtt X.Arn` is X, `!Sub ${X.Arn}/y` is X/y."""
    if isinstance(resource, str):
        return resource
    ((function, value),) = resource.items()
    if function == "Fn::GetAtt":
        return str(value[0] if isinstance(value, list) else value.split(".")[0])
    if function == "Fn::Sub":
        return re.sub(r"\$\{(\w+)\.Arn\}", r"\1", value)
    return str(value)


def matching(pair: Needed, policy: set[Needed]) -> set[Needed]:
    """Return the permissions of a policy that allow this one."""
    return {
        each for each in policy if each.action == pair.action and fnmatchcase(pair.resource, each.resource)
    }
