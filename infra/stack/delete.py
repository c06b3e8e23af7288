"""Deletes a stack and, if asked for, the data that it leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra.dead_letters import queue_depth

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3

    from infra.stack.change_set import Stack, StackEvent

DATA = ("InteractionTableName", "QuarantineTableName", "ConversationBucketName", "AnalyticsDatabaseName")
GONE = {"ResourceNotFoundException", "EntityNotFoundException", "NoSuchBucket", "404"}


def waiting_messages(session: boto3.Session, outputs: dict[str, str]) -> int:
    """Return about how many messages the buffer and the dead-letter queue hold: they are deleted with the stack."""
    sqs = session.client("sqs")
    return sum(queue_depth(sqs, outputs[name]) for name in ("BufferQueueUrl", "DeadLetterQueueUrl"))


def delete_stack(stack: Stack, report: Callable[[StackEvent], None]) -> dict[str, str]:
    """Delete the stack; return the names of what holds data and remains, by the outputs' names."""
    outputs = stack.outputs()
    stack.delete(report)
    return {name: outputs[name] for name in DATA if name in outputs}


def delete_data(session: boto3.Session, remaining: dict[str, str]) -> None:
    """Delete the tables, the analytics' catalogue, and the bucket with its objects; what does not exist is no error."""
    database = session.client("dynamodb")
    for name in DATA[:2]:
        _unless_gone(lambda name=name: database.delete_table(TableName=remaining[name]))  # type: ignore[misc]
    if catalogue := remaining.get("AnalyticsDatabaseName"):
        _unless_gone(lambda: session.client("glue").delete_database(Name=catalogue))
    _unless_gone(lambda: _empty_and_delete(session, remaining["ConversationBucketName"]))


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
