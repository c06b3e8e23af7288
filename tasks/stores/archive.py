"""The whole conversation as Genesys sent it, in S3, one object per content."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.handlers import add_expect_header

from tasks.stores.errors import StoreUnavailable, translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_DELETED_AT_ONCE = 1_000  # S3's limit of keys per DeleteObjects


def client(concurrency: int, session: Any = boto3) -> S3Client:
    """One client for the process, with a connection for each concurrent write."""
    config = Config(
        max_pool_connections=concurrency + 4,
        connect_timeout=3,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 2},
        s3={"addressing_style": "path"},
    )
    made: S3Client = session.client("s3", config=config)
    # botocore asks S3's leave (Expect: 100-continue) before each body: a round trip more for a few kilobytes.
    made.meta.events.unregister("before-call.s3", add_expect_header)
    return made


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
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
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

    def versioning(self) -> str:
        """Whether the bucket keeps versions: enabled, suspended, off, or unknown when we may not ask."""
        with translated(f"bucket {self.bucket}"):
            try:
                answer = self._client.get_bucket_versioning(Bucket=self.bucket)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 501):
                    return "unknown"
                raise
        return answer.get("Status", "off").lower()

    def erase(self, interaction_id: str, *, versioned: bool) -> int:
        """Delete every object of one interaction; in a versioned bucket every version of it. How many."""
        objects = list(self.versions(interaction_id)) if versioned else list(self._objects(interaction_id))
        for start in range(0, len(objects), _DELETED_AT_ONCE):
            part = objects[start : start + _DELETED_AT_ONCE]
            with translated(f"bucket {self.bucket}"):
                answer = self._client.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": part, "Quiet": True}
                )
            if errors := answer.get("Errors"):
                codes = ", ".join(sorted({error.get("Code", "unknown") for error in errors}))
                raise StoreUnavailable(f"bucket {self.bucket}: {len(errors)} objects stay ({codes})")
        return len(objects)

    def versions(self, interaction_id: str) -> Iterator[ObjectIdentifierTypeDef]:
        """Every version and delete marker of one interaction's objects."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=f"conversations/{interaction_id}/"
        )
        with translated(f"bucket {self.bucket}"):
            for page in pages:
                for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                    yield {"Key": entry["Key"], "VersionId": entry["VersionId"]}

    def _objects(self, interaction_id: str) -> Iterator[ObjectIdentifierTypeDef]:
        for key in self.keys(interaction_id):
            yield {"Key": key}


def object_key(interaction_id: str, conversation: Mapping[str, Any]) -> str:
    """Where a conversation is kept; the same conversation is always the same object."""
    return _encoded(interaction_id, conversation)[0]


def _encoded(interaction_id: str, conversation: Mapping[str, Any]) -> tuple[str, bytes]:
    text = json.dumps(conversation, sort_keys=True, separators=(",", ":"), default=_number).encode()
    digest = hashlib.sha256(text).hexdigest()
    return f"conversations/{interaction_id}/{digest}.json.gz", gzip.compress(text, mtime=0)


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"a conversation from Genesys holds no {type(value).__name__}")
