"""What a deleted stack has kept, and how a new stack takes it over.

The tables hold the tombstones of what was erased: a stack with new tables would bring those interactions back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.errors import InvalidInput
from infra.stack.delete import GONE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# The properties that have the name of what is taken over, by the template's parameter.
NAMED = {
    "KeptInteractionTable": (("InteractionTable", "TableName"),),
    "KeptQuarantineTable": (("QuarantineTable", "TableName"),),
    "KeptBucket": (("ConversationBucket", "BucketName"), ("ConversationBucketPolicy", "Bucket")),
    "KeptDatabase": (("AnalyticsDatabase", "DatabaseName"),),
}
FLAGS = {
    "KeptInteractionTable": "--interaction-table",
    "KeptQuarantineTable": "--quarantine-table",
    "KeptBucket": "--conversation-bucket",
}
NOT_ALLOWED = {"AccessDenied", "AccessDeniedException"}

Clients = Any  # returns the client of an AWS service by its name


def with_names(template: dict[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Return the template with the kept resources' names as literals: CloudFormation imports no other."""
    for parameter, places in NAMED.items():
        if name := values[parameter]:
            for resource, attribute in places:
                template["Resources"][resource]["Properties"][attribute] = name
    return template


def takes_over(values: Mapping[str, str]) -> bool:
    """Return whether a new stack with these parameters takes over what a deleted one has kept."""
    return any(values[name] for name in NAMED)


def check_kept(
    client: Callable[[str], Clients], given: Mapping[str, object], former: Mapping[str, str]
) -> None:
    """Raise InvalidInput for a name that a new stack would not find, and for a new one of a deployed stack."""
    for parameter, flag in FLAGS.items():
        name = str(given.get(parameter) or "")
        if name and former and name != former.get(parameter):
            raise InvalidInput(
                f"{flag} is for a new stack: this one keeps the tables and the bucket that it has, because with "
                "others it would have no records and no tombstones"
            )
        if name and not former and not _exists(client, parameter, name):
            raise InvalidInput(f"{flag}: there is no {name} in this account and region")


def kept_database(client: Callable[[str], Clients], stack: str) -> str:
    """Return the name of the Glue database that a deleted stack of this name has kept, or nothing."""
    name = stack.replace("-", "_")
    return name if _found(lambda: client("glue").get_database(Name=name)) else ""


def check_forgotten(client: Callable[[str], Clients], stack: str, values: Mapping[str, str]) -> None:
    """Raise InvalidInput when a new stack would leave aside what a deleted one of its name has kept."""
    wanted = {name: flag for name, flag in FLAGS.items() if name != "KeptBucket" and not values[name]}
    found = [
        f"{flag} {table}"
        for name, flag in wanted.items()
        for table in _tables_of(client, stack, NAMED[name][0][0])
    ]
    if found:
        raise InvalidInput(
            f"a deleted stack {stack} has kept its tables, and new ones would have no tombstones: what was erased "
            f"would come back. Give {' '.join(found)} and --conversation-bucket to take them over, or --new-tables"
        )
    if values["Analytics"] == "true" and not values["KeptBucket"] and (name := kept_database(client, stack)):
        raise InvalidInput(
            f"a deleted stack {stack} has kept the Glue database {name}: give --conversation-bucket to take over both, "
            f"or delete its entries (no file): aws glue delete-database --name {name}"
        )


def _tables_of(client: Callable[[str], Clients], stack: str, resource: str) -> list[str]:
    prefix = f"{stack}-{resource}-"
    try:
        # The list is in order of names.
        names = client("dynamodb").list_tables(ExclusiveStartTableName=prefix, Limit=10)["TableNames"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_ALLOWED:
            raise
        return []
    return [name for name in names if name.startswith(prefix)]


def _exists(client: Callable[[str], Clients], parameter: str, name: str) -> bool:
    if parameter == "KeptBucket":
        return _found(lambda: client("s3").head_bucket(Bucket=name))
    return _found(lambda: client("dynamodb").describe_table(TableName=name))


def _found(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in GONE:
            raise
        return False
    return True
