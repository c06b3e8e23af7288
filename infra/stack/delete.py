"""Deletes a stack with its bus and archive and, if asked for, the data that it leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra.dead_letters import queue_depth
from infra.errors import OperationRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import boto3
    from mypy_boto3_dynamodb import DynamoDBClient

    from infra.stack.change_set import Stack, StackEvent

DATA = ("InteractionTableName", "QuarantineTableName", "ConversationBucketName", "AnalyticsDatabaseName")
POLICIES = ("WorkerPolicyArn", "PublishPolicyArn", "AnalystPolicyArn")
GONE = {"ResourceNotFoundException", "EntityNotFoundException", "NoSuchBucket", "404"}


def waiting_messages(session: boto3.Session, outputs: dict[str, str]) -> int:
    """Return about how many messages the buffer and the dead-letter queue hold: they are deleted with the stack."""
    sqs = session.client("sqs")
    return sum(queue_depth(sqs, outputs[name]) for name in ("BufferQueueUrl", "DeadLetterQueueUrl"))


def check_detached(session: boto3.Session, outputs: Mapping[str, str]) -> None:
    """Raise OperationRefused when a role, a user or a group has one of the stack's policies.

    IAM deletes no policy that is attached, so the deletion would fail half-way, with bus and queues gone.
    """
    attached = [
        text for name in POLICIES if name in outputs for text in _attached(session, name, outputs[name])
    ]
    if attached:
        raise OperationRefused(
            f"not deleted, because IAM deletes no policy that is attached: {'; '.join(attached)}. Stop the workers, "
            "and detach it (aws iam detach-role-policy, detach-user-policy, detach-group-policy)"
        )


def _attached(session: boto3.Session, name: str, arn: str) -> Iterator[str]:
    found = session.client("iam").list_entities_for_policy(PolicyArn=arn)
    for kind in ("Role", "User", "Group"):
        for each in found.get(f"Policy{kind}s", ()):
            yield f"{arn} ({name}) by {kind.lower()} {each[f'{kind}Name']}"


def delete_stack(
    session: boto3.Session, stack: Stack, report: Callable[[StackEvent], None]
) -> dict[str, str]:
    """Delete the stack, its archive and its bus; return what holds data and remains, by the outputs' names.

    Raises OperationRefused when one of its policies is attached, and StackFailed.
    """
    outputs, made_bus = stack.outputs(), stack.parameters().get("BusMode") != "existing"
    check_detached(session, outputs)
    stack.unprotect()
    stack.delete(report)
    events = session.client("events")
    if archive := outputs.get("ArchiveArn"):  # before the bus: one with an archive's rule cannot be deleted
        _unless_gone(lambda: events.delete_archive(ArchiveName=archive.rsplit("/", 1)[1]))
    if made_bus:
        _unless_gone(lambda: events.delete_event_bus(Name=outputs["EventBusName"]))
    return {name: outputs[name] for name in DATA if name in outputs}


def delete_data(session: boto3.Session, remaining: dict[str, str]) -> None:
    """Delete the tables, the analytics' catalogue, and the bucket with its objects; what does not exist is no error."""
    database = session.client("dynamodb")
    for name in DATA[:2]:
        _unless_gone(lambda name=name: _delete_table(database, remaining[name]))  # type: ignore[misc]
    if catalogue := remaining.get("AnalyticsDatabaseName"):
        _unless_gone(lambda: session.client("glue").delete_database(Name=catalogue))
    _unless_gone(lambda: _empty_and_delete(session, remaining["ConversationBucketName"]))


def _delete_table(database: DynamoDBClient, name: str) -> None:
    if database.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        database.update_table(TableName=name, DeletionProtectionEnabled=False)
    database.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    database.delete_table(TableName=name)


def _empty_and_delete(session: boto3.Session, bucket: str) -> None:
    s3 = session.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        if keys := [{"Key": item["Key"]} for item in page.get("Contents", [])]:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})  # type: ignore[typeddict-item]
    s3.delete_bucket(Bucket=bucket)


def _unless_gone(call: Callable[[], object]) -> None:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in GONE:
            raise
