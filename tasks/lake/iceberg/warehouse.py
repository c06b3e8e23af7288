"""The objects of the tables in the bucket: which there are, and their deletion with all their versions."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from tasks.lake.iceberg.file_io import object_key
from tasks.stores.s3 import ObjectBucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_VERSIONED = ("enabled", "suspended")


class WarehouseFile(NamedTuple):
    """A file by its location, and when it was written by S3's clock."""

    location: str
    modified: datetime


class Warehouse:
    """Files of tables, by location `s3://<bucket>/<key>`; methods raise StoreUnavailable."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._objects = ObjectBucket(client, bucket)
        self._bucket = bucket

    def files(self, folder: str) -> Iterator[WarehouseFile]:
        """Yield every file below a table's location."""
        for page in self._objects.pages("list_objects_v2", self._prefix(folder)):
            for entry in page.get("Contents", []):
                yield WarehouseFile(f"s3://{self._bucket}/{entry['Key']}", entry["LastModified"])

    def delete(self, folder: str, locations: Collection[str]) -> None:
        """Delete files below a table's location, in a versioned bucket every version of them."""
        keys = {object_key(self._bucket, location) for location in locations}
        if keys:
            plain: Iterator[ObjectIdentifierTypeDef] = ({"Key": key} for key in sorted(keys))
            self._objects.delete_all(self._versions(folder, keys) if self._versioned else plain)

    def _versions(self, folder: str, keys: Collection[str]) -> Iterator[ObjectIdentifierTypeDef]:
        for page in self._objects.pages("list_object_versions", self._prefix(folder)):
            for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                if entry["Key"] in keys:
                    yield {"Key": entry["Key"], "VersionId": entry["VersionId"]}

    def _prefix(self, folder: str) -> str:
        return f"{object_key(self._bucket, folder)}/"

    @cached_property
    def _versioned(self) -> bool:
        return self._objects.versioning() in _VERSIONED
