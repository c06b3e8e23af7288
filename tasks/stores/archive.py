"""The whole conversation as Genesys sent it, in S3, one object per content."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tasks.stores.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def client(concurrency: int) -> S3Client:
    """One client for the process, with a connection for each concurrent write."""
    config = Config(
        max_pool_connections=concurrency + 4,
        connect_timeout=3,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 2},
        s3={"addressing_style": "path"},
    )
    return boto3.client("s3", config=config)


class ConversationArchive:
    """Objects `conversations/<interactionId>/<sha256 of canonical JSON>.json.gz`; thread-safe."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def put(self, interaction_id: str, conversation: Mapping[str, Any]) -> str:
        """Write the conversation; the key. The same conversation is the same object, byte for byte."""
        key, body = _encoded(interaction_id, conversation)
        with translated(f"bucket {self.bucket}"):
            self._client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=body,
                ContentType="application/json",
                ContentEncoding="gzip",
            )
        return key

    def put_if_absent(self, interaction_id: str, conversation: Mapping[str, Any]) -> str:
        """Write the conversation unless it is there already; the key."""
        key, _ = _encoded(interaction_id, conversation)
        with translated(f"bucket {self.bucket}"):
            try:
                self._client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                    raise
                return self.put(interaction_id, conversation)
        return key

    def keys(self, interaction_id: str) -> Iterator[str]:
        """Every object of one interaction."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"conversations/{interaction_id}/"
        )
        with translated(f"bucket {self.bucket}"):
            for page in pages:
                yield from (entry["Key"] for entry in page.get("Contents", []))


def _encoded(interaction_id: str, conversation: Mapping[str, Any]) -> tuple[str, bytes]:
    text = json.dumps(conversation, sort_keys=True, separators=(",", ":"), default=_number).encode()
    digest = hashlib.sha256(text).hexdigest()
    return f"conversations/{interaction_id}/{digest}.json.gz", gzip.compress(text, mtime=0)


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"a conversation from Genesys holds no {type(value).__name__}")
