"""Deleting a stack, and only when it is really wanted the data that it leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra.queues import depth

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3

    from infra.stack import Stack, Step

DATA = ("InteractionTableName", "QuarantineTableName", "ConversationBucketName")
GONE = {"ResourceNotFoundException", "NoSuchBucket", "404"}


def waiting(session: boto3.Session, outputs: dict[str, str]) -> int:
    """Return about how many messages are in the buffer and among the dead letters: they go with the stack."""
    sqs = session.client("sqs")
    return sum(depth(sqs, outputs[name]) for name in ("BufferQueueUrl", "DeadLetterQueueUrl"))


def remove(stack: Stack, report: Callable[[Step], None]) -> dict[str, str]:
    """Delete the stack and return what it leaves behind: the names of the tables and the bucket."""
    outputs = stack.outputs()
    stack.delete(report)
    return {name: outputs[name] for name in DATA}


def remove_data(session: boto3.Session, left: dict[str, str]) -> None:
    """Delete the tables and the bucket with all that is in it."""
    database = session.client("dynamodb")
    for name in DATA[:2]:
        _unless_gone(lambda name=name: database.delete_table(TableName=left[name]))  # type: ignore[misc]
    _unless_gone(lambda: _empty_and_delete(session, left["ConversationBucketName"]))


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
