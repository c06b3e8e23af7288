"""A bucket in S3: objects by key, conditional writes by ETag, listings and versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.handlers import add_expect_header

from tasks.stores.errors import StoreUnavailable, wrap_aws_errors
from tasks.values import chunked

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_DELETE_KEYS = 1_000  # S3's limit of keys per DeleteObjects
# Of a request under `If-Match`: the object is another one, is being written by others, or is gone.
_CHANGED = (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND)


def client(concurrency: int, session: Any = boto3) -> S3Client:
    """Return the process's client: thread-safe, with a connection for each concurrent write."""
    config = Config(
        max_pool_connections=concurrency + 4,
        connect_timeout=3,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 2},
        s3={"addressing_style": "path"},
    )
    made: S3Client = session.client("s3", config=config)
    # botocore sends Expect: 100-continue before each body: one more round trip for a few kilobytes.
    made.meta.events.unregister("before-call.s3", add_expect_header)
    return made


class ObjectBody(NamedTuple):
    """An object's bytes, and the ETag that a conditional write names."""

    etag: str
    body: bytes


class ObjectBucket:
    """A bucket; thread-safe. Every method raises StoreUnavailable."""

    def __init__(self, client: S3Client, name: str) -> None:
        self._client = client
        self.name = name

    def put(self, key: str, body: bytes, content_type: str, *, if_match: str | None = None) -> bool:
        """Write a gzip-compressed object; with `if_match` return False when the object has changed or is gone."""
        return self._write(
            self._client.put_object,
            if_match,
            Key=key,
            Body=body,
            ContentType=content_type,
            ContentEncoding="gzip",
        )

    def delete(self, key: str, *, if_match: str) -> bool:
        """Delete an object; False when it has changed or is gone."""
        return self._write(self._client.delete_object, if_match, Key=key)

    def get(self, key: str) -> ObjectBody | None:
        """Return an object, or None when there is none."""
        with self.wrap_errors():
            try:
                answer = self._client.get_object(Bucket=self.name, Key=key)
            except ClientError as error:
                if _status(error) != HTTPStatus.NOT_FOUND or _code(error) == "NoSuchBucket":
                    raise
                return None
            return ObjectBody(answer["ETag"], answer["Body"].read())

    def pages(self, operation: Any, prefix: str) -> Iterator[Any]:
        """Yield the pages of a listing: `list_objects_v2` or `list_object_versions`."""
        with self.wrap_errors():
            yield from self._client.get_paginator(operation).paginate(Bucket=self.name, Prefix=prefix)

    def delete_all(self, objects: Iterable[ObjectIdentifierTypeDef]) -> None:
        """Delete keys or versions, 1,000 a request. Raises StoreUnavailable also when one of them stays."""
        for chunk in chunked(objects, _DELETE_KEYS):
            with self.wrap_errors():
                answer = self._client.delete_objects(
                    Bucket=self.name, Delete={"Objects": chunk, "Quiet": True}
                )
            if errors := answer.get("Errors"):
                codes = ", ".join(sorted({error.get("Code", "unknown") for error in errors}))
                raise StoreUnavailable(
                    f"bucket {self.name}: {len(errors)} objects were not deleted ({codes})"
                )

    def versioning(self) -> str:
        """Return whether the bucket keeps versions: `enabled`, `suspended`, `off`, or `unknown` without permission."""
        with self.wrap_errors():
            try:
                answer = self._client.get_bucket_versioning(Bucket=self.name)
            except ClientError as error:
                if _status(error) in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_IMPLEMENTED):
                    return "unknown"
                raise
        return answer.get("Status", "off").lower()

    def wrap_errors(self) -> AbstractContextManager[None]:
        """Return the context in which AWS's errors become ours."""
        return wrap_aws_errors(f"bucket {self.name}")

    def _write(self, operation: Any, if_match: str | None, **arguments: Any) -> bool:
        condition = {} if if_match is None else {"IfMatch": if_match}
        with self.wrap_errors():
            try:
                operation(Bucket=self.name, **condition, **arguments)
            except ClientError as error:
                changed = _status(error) in _CHANGED and _code(error) != "NoSuchBucket"
                if not (condition and changed):
                    raise
                return False
        return True


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
